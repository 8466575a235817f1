//! The examples on three real nodes, the fourth of which never starts: each gives the right result,
//! to those whom it is for.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails")]

use std::time::{SystemTime, UNIX_EPOCH};

use alloy::{
    primitives::{Address, U256},
    providers::Provider as _,
    sol,
    sol_types::SolValue as _,
};
use auction_contract::auction::{self, Outcome};
use client::{UserKey, input::Value};
use eyre::{OptionExt as _, Result, ensure};
use lottery_contract::lottery;
use matching_contract::matching::{self, Session};
use quartet::calls::Call;
use salaries_contract::salaries;
use survey_contract::survey;
use system_tests::{
    site::{Deployed, Site, key},
    until,
};

/// The node that never starts.
const DOWN: usize = 3;
/// How long auctions and markets are open, in seconds of the chain's clock.
const OPEN: u64 = 3_600;
/// How long tickets are sold on L1, in seconds.
const SALE: u64 = 5;

sol!(
    #[sol(rpc)]
    #[allow(missing_docs, reason = "its source has them")]
    Lottery,
    "../l1-contracts/artifacts/Lottery.json"
);

/// Calls a view of a contract.
async fn view<C, R: quartet::contract::Outcome>(
    site: &Site,
    contract: Deployed,
    call: &Call<C, R>,
) -> Result<quartet::calls::Seen<R>> {
    let output = site
        .client
        .call(contract.address, call.data().clone())
        .await?;
    call.decode_output(&output).ok_or_eyre("the output decodes")
}

/// Calls an action of a contract, and waits until it is done.
async fn act<C, R: quartet::contract::Outcome>(
    site: &Site,
    from: &UserKey,
    contract: Deployed,
    call: &Call<C, R>,
) -> Result<()> {
    site.client
        .send(from, contract.address, call.data().clone())
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_give_the_right_results_with_three_of_four_nodes() -> Result<()> {
    let site = Site::raise(Some(DOWN)).await?;
    an_auction(&site).await?;
    salaries(&site).await?;
    a_lottery(&site).await?;
    a_market(&site).await?;
    a_survey(&site).await
}

async fn an_auction(site: &Site) -> Result<()> {
    let seller = key();
    let closes = site.now().await? + OPEN;
    let deployment = auction::calls::new(100, closes);
    let contract = site
        .deploy("auction-contract", &seller, deployment.arguments())
        .await?;
    let bidders = [(key(), 300_u64), (key(), 120), (key(), 450), (key(), 450)];
    for (bidder, price) in &bidders {
        bid(site, contract, bidder, *price).await?;
    }
    // The last bid counts: the second bidder would win now, but thinks better of it.
    bid(site, contract, &bidders[1].0, 900).await?;
    bid(site, contract, &bidders[1].0, 130).await?;

    // Nobody has to close it.
    site.pass(closes).await?;
    let output = site.attested_soon(contract.address, 0).await?;
    let (sold, price) = <(bool, u64)>::abi_decode(&output)?;
    ensure!(sold && price == 450, "sold: {sold}, at {price}");
    let outcome = view(site, contract, &auction::calls::outcome()).await?;
    ensure!(outcome == Outcome { sold, price }, "{outcome:?}");

    for (place, (bidder, _)) in bidders.iter().enumerate() {
        let notices = site.secrets(contract.address, bidder, "Notice").await?;
        let expected = if place == 2 { vec![1, 450] } else { vec![0, 0] };
        ensure!(notices == [expected], "bidder {place} is told {notices:?}");
    }
    let sales = site.secrets(contract.address, &seller, "Sale").await?;
    ensure!(sales == [vec![2]], "the seller is told {sales:?}");
    Ok(())
}

async fn bid(site: &Site, contract: Deployed, bidder: &UserKey, price: u64) -> Result<()> {
    let price = [Value::from(price)];
    site.input(bidder, contract.address, "bid", &[], &price)
        .await?;
    Ok(())
}

async fn salaries(site: &Site) -> Result<()> {
    const ENGINEER: u64 = 1;
    let registrar = key();
    let deployment = salaries::calls::new();
    let contract = site
        .deploy("salaries-contract", &registrar, deployment.arguments())
        .await?;
    let companies: Vec<(UserKey, u64)> =
        [61, 48, 75, 52, 70].map(|pay| (key(), pay * 1_000)).into();
    for (place, (company, salary)) in companies.iter().enumerate() {
        let admit = salaries::calls::admit(company.address());
        act(site, &registrar, contract, &admit).await?;
        let role = ENGINEER.abi_encode();
        let salary = [Value::from(*salary)];
        site.input(company, contract.address, "report", &role, &salary)
            .await?;
        // Four are too few.
        if place == 3 {
            act(site, company, contract, &salaries::calls::publish(ENGINEER)).await?;
            let why = site.failed(contract.address, 0).await?;
            ensure!(
                why.contains('5'),
                "the reason should name the least number: {why}"
            );
        }
    }
    act(site, &key(), contract, &salaries::calls::publish(ENGINEER)).await?;
    site.attested(contract.address, 1).await?;
    let statistic = view(site, contract, &salaries::calls::statistic_of(ENGINEER)).await?;
    ensure!(statistic.companies == 5 && statistic.total == 306_000);
    ensure!(statistic.percentiles == [48_000, 52_000, 61_000, 70_000, 75_000]);
    Ok(())
}

async fn a_lottery(site: &Site) -> Result<()> {
    let price = U256::from(1_000_000);
    let seller = site.l1.accounts()[0].address();
    let nonce = site.provider.get_transaction_count(seller).await?;
    let l1_address = seller.create(nonce);
    let deployment = lottery::calls::new(l1_address);
    let contract = site
        .deploy("lottery-contract", &key(), deployment.arguments())
        .await?;
    // L1 goes by the clock, and is quick enough for four tickets.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let lottery = Lottery::deploy(
        &site.provider,
        site.committee.l1.verifier,
        site.client.chain_id().await?,
        contract.address,
        contract.code_hash,
        price,
        now + SALE,
    )
    .await?;
    ensure!(
        *lottery.address() == l1_address,
        "the lottery is where it was foretold"
    );
    let buyers: Vec<Address> = site
        .l1
        .accounts()
        .iter()
        .map(|account| account.address())
        .collect();
    for buyer in &buyers {
        let bought = lottery.buy().value(price).from(*buyer).send().await?;
        ensure!(bought.get_receipt().await?.status());
    }
    until("the end of the sale", async || {
        // With a gas limit, since an estimate goes by the time of the last block.
        let sent = lottery.close().gas(200_000).send().await?;
        Ok(sent.get_receipt().await?.status().then_some(()))
    })
    .await?;

    let tickets = buyers.len() as u64;
    let closing = lottery.closing().call().await?;
    let draw = lottery::calls::draw(tickets, closing);
    act(site, &key(), contract, &draw).await?;
    let output = site.attested(contract.address, 0).await?;
    let ticket = u64::abi_decode(&output)?;
    ensure!(ticket < tickets, "ticket {ticket}");
    let again = site
        .client
        .send(&key(), contract.address, draw.data().clone())
        .await;
    ensure!(again.is_err(), "nothing is drawn twice for one closing");

    site.submit(l1_address, contract.address, 0).await?;
    let winner = lottery.winner().call().await?;
    ensure!(winner == buyers[usize::try_from(ticket)?]);
    let claimed = lottery.claim().from(winner).send().await?;
    ensure!(claimed.get_receipt().await?.status());
    ensure!(site.provider.get_balance(l1_address).await?.is_zero());
    ensure!(
        site.submit(l1_address, contract.address, 0).await.is_err(),
        "a result is taken once"
    );
    Ok(())
}

async fn a_market(site: &Site) -> Result<()> {
    let meets = site.now().await? + OPEN;
    let deployment = matching::calls::new(meets);
    let contract = site
        .deploy("matching-contract", &key(), deployment.arguments())
        .await?;
    let buyers = [(key(), 50_u32, true), (key(), 30, false), (key(), 45, true)];
    let sellers = [
        (key(), 60_u32, false),
        (key(), 20, true),
        (key(), 35, true),
        (key(), 46, false),
    ];
    for (side, traders) in [("buy", &buyers[..]), ("sell", &sellers[..])] {
        for (trader, limit, _) in traders {
            let limit = [Value::from(*limit)];
            site.input(trader, contract.address, side, &[], &limit)
                .await?;
        }
    }
    site.pass(meets).await?;
    site.attested_soon(contract.address, 0).await?;
    let session = view(site, contract, &matching::calls::session()).await?;
    let expected = Session {
        trades: 2,
        price: 40,
    };
    ensure!(session == expected, "{session:?}");
    for (trader, limit, trades) in buyers.iter().chain(&sellers) {
        let fills = site.secrets(contract.address, trader, "Fill").await?;
        let expected = vec![u128::from(*trades)];
        ensure!(
            fills == [expected],
            "the trader at {limit} is told {fills:?}"
        );
    }
    Ok(())
}

async fn a_survey(site: &Site) -> Result<()> {
    let closes = site.now().await? + OPEN;
    let deployment = survey::calls::new(closes);
    let contract = site
        .deploy("survey-contract", &key(), deployment.arguments())
        .await?;
    for place in 0..12_u8 {
        let answer = [Value::from(20 + 2 * place), Value::from(5 - place / 3)];
        site.input(&key(), contract.address, "answer", &[], &answer)
            .await?;
    }
    site.pass(closes).await?;
    site.attested_soon(contract.address, 0).await?;
    let findings = view(site, contract, &survey::calls::findings()).await?;
    ensure!(findings.histogram == [0, 0, 3, 3, 3, 3]);
    let near = |number: survey::Number, expected: f64| {
        (number.units() as f64 / f64::from(1 << 20) - expected).abs() < 1e-4
    };
    // By least squares over the twelve answers.
    ensure!(
        near(findings.slope, -0.15734265734265734),
        "slope {}",
        findings.slope
    );
    ensure!(
        near(findings.intercept, 8.377622377622378),
        "intercept {}",
        findings.intercept
    );
    Ok(())
}
