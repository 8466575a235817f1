//! Reports of companies, and what may be opened of them.

#![allow(
    clippy::unwrap_used,
    reason = "a helper that fails is a test that fails"
)]

use contract_testing::{NOON, World, user};
use quartet::{Fault, Started};
use salaries_contract::salaries::{
    Contract, Published, RegisterError, Report, Statistic,
    calls::{self, admit, publish, report},
    statistic,
};

type Register = World<Contract>;

const ENGINEER: u64 = 1;
const NURSE: u64 = 2;

/// Names of as many companies as are wanted.
fn company(number: usize) -> String {
    format!("company {number}")
}

fn reported(salaries: &[u64]) -> Register {
    let mut register = World::deploy(NOON, user("registrar"), &calls::new()).unwrap();
    for (number, salary) in salaries.iter().enumerate() {
        join(&mut register, number, *salary);
    }
    register
}

/// Admits a company that has not been there, which reports.
fn join(register: &mut Register, number: usize, salary: u64) {
    let company = user(&company(number));
    register.call(user("registrar"), &admit(company)).unwrap();
    register
        .input(company, &report(ENGINEER, &Report::plain(salary)))
        .unwrap();
}

fn ask(register: &mut Register, role: u64) -> Started<statistic> {
    register.call(user("anybody"), &publish(role)).unwrap()
}

fn opened(register: &mut Register) -> Result<Statistic, Fault> {
    let started = ask(register, ENGINEER);
    register.try_run(started)
}

#[quartet::test]
fn the_statistic_is_that_of_the_reports() {
    let mut register = reported(&[61, 48, 75, 52, 70, 66]);
    let expected = Statistic {
        companies: 6,
        total: 372,
        percentiles: [48, 52, 61, 70, 75],
    };
    assert_eq!(opened(&mut register), Ok(expected.clone()));
    assert_eq!(register.view(&calls::statistic_of(ENGINEER)), Ok(expected));
    assert_eq!(
        register.events::<Published>(),
        [Published {
            role: ENGINEER,
            mean: 62,
            median: 61
        }]
    );
    let none = register.view(&calls::statistic_of(NURSE));
    assert_eq!(none, Err(RegisterError::NoStatistic));
}

#[quartet::test]
fn a_node_that_is_down_changes_nothing() {
    let mut register = reported(&[61, 48, 75]);
    register.stop_node(3);
    join(&mut register, 3, 52);
    join(&mut register, 4, 70);
    let statistic = opened(&mut register).unwrap();
    assert_eq!(statistic.total, 306);
    assert_eq!(statistic.percentiles, [48, 52, 61, 70, 75]);
}

#[quartet::test]
fn nothing_is_opened_of_four() {
    let mut register = reported(&[61, 48, 75, 52]);
    assert_eq!(opened(&mut register), Err(Fault::TooFewInputs));
    join(&mut register, 4, 70);
    assert!(opened(&mut register).is_ok());
}

#[quartet::test]
fn another_role_has_its_own_reports() {
    let mut register = reported(&[61, 48, 75, 52, 70]);
    let nurses = ask(&mut register, NURSE);
    assert_eq!(register.try_run(nurses), Err(Fault::TooFewInputs));
    assert!(opened(&mut register).is_ok());
}

#[quartet::test]
fn one_more_report_opens_nothing_until_there_are_enough() {
    let mut register = reported(&[61, 48, 75, 52, 70]);
    let first = opened(&mut register);
    assert_eq!(opened(&mut register), first, "the same reports, once more");
    for number in 5..9 {
        join(&mut register, number, 100);
        assert_eq!(opened(&mut register), Err(Fault::TooClose), "{number}");
    }
    join(&mut register, 9, 100);
    assert_eq!(opened(&mut register).unwrap().companies, 10);
}

#[quartet::test]
fn a_corrected_report_counts_once() {
    let mut register = reported(&[61, 48, 75, 52, 70]);
    let correction = report(ENGINEER, &Report::plain(71));
    register.input(user(&company(0)), &correction).unwrap();
    let statistic = opened(&mut register).unwrap();
    assert_eq!((statistic.companies, statistic.total), (5, 316));
}

#[quartet::test]
fn only_the_registrar_admits_and_only_the_admitted_report() {
    let mut register = reported(&[]);
    let stranger = user("stranger");
    assert!(register.call(stranger, &admit(stranger)).is_err());
    let refused = register.input(stranger, &report(ENGINEER, &Report::plain(1)));
    assert_eq!(refused, Err(RegisterError::NotRegistered));
}
