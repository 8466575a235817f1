//! The EVM at work: transactions, calls and estimates.

use alloy::{
    consensus::Header,
    eips::BlockId,
    primitives::{Bytes, TxKind, U256},
    rpc::types::TransactionRequest,
};
use revm::{
    Context, ExecuteEvm as _, MainBuilder as _, MainContext as _,
    context::{
        TxEnv,
        result::{ExecResultAndState, ExecutionResult},
    },
    primitives::hardfork::SpecId,
    state::EvmState,
};

use super::{
    chain::{BLOCK_GAS, Chain, State},
    history::account,
    refusal::{Fault, Refusal},
};

/// A result with the changes of state, which are not made yet.
pub(super) type Execution = ExecResultAndState<ExecutionResult, EvmState>;

/// Gas limit of one transaction since Osaka (EIP-7825).
const TRANSACTION_GAS: u64 = 1 << 24;

impl Chain {
    /// Runs a call that nobody signed, after a block, of which only the result matters.
    pub(super) fn call(
        &mut self,
        request: TransactionRequest,
        block: Option<BlockId>,
    ) -> Result<Bytes, Refusal> {
        let id = self.id;
        let result = self.at(block, |state, header| {
            let gas = request.gas.unwrap_or(BLOCK_GAS);
            let transaction = environment(id, state, request, gas)?;
            simulate(id, state, header, transaction)
        })??;
        match result {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(Refusal::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(Refusal::Halted(format!("{reason:?}"))),
        }
    }

    /// The smallest gas limit, within 1.5 %, at which a transaction succeeds after a block.
    pub(super) fn estimate(
        &mut self,
        request: TransactionRequest,
        block: Option<BlockId>,
    ) -> Result<u64, Refusal> {
        let id = self.id;
        self.at(block, |state, header| {
            let asked = request.gas.unwrap_or(TRANSACTION_GAS);
            let allowance = asked.min(TRANSACTION_GAS);
            let transaction = environment(id, state, request, allowance)?;
            search(id, state, header, transaction)
        })?
    }
}

/// Runs a transaction in the block with this header. In a simulation nobody signed it, it may come
/// from a contract, and it is free if it names no fee.
pub(super) fn run(
    chain_id: u64,
    state: &mut State,
    header: &Header,
    transaction: TxEnv,
    simulation: bool,
) -> Result<Execution, Fault> {
    let free = simulation && transaction.gas_price == 0;
    Context::mainnet()
        .with_db(state)
        .modify_cfg_chained(|configuration| {
            configuration.chain_id = chain_id;
            configuration.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            configuration.disable_base_fee = free;
            configuration.disable_eip3607 = simulation;
            if simulation {
                configuration.tx_gas_limit_cap = Some(BLOCK_GAS);
            }
        })
        .modify_block_chained(|block| {
            block.number = U256::from(header.number);
            block.timestamp = U256::from(header.timestamp);
            block.gas_limit = header.gas_limit;
            block.basefee = header.base_fee_per_gas.unwrap_or_default();
            block.beneficiary = header.beneficiary;
            block.prevrandao = Some(header.mix_hash);
        })
        .build_mainnet()
        .transact(transaction)
}

fn simulate(
    chain_id: u64,
    state: &mut State,
    header: &Header,
    transaction: TxEnv,
) -> Result<ExecutionResult, Refusal> {
    let sender = transaction.caller;
    let execution = run(chain_id, state, header, transaction, true);
    let execution = execution.map_err(|error| Refusal::from_evm(error, sender))?;
    Ok(execution.result)
}

/// Looks for the smallest sufficient gas limit up to that of `transaction`.
fn search(
    chain_id: u64,
    state: &mut State,
    header: &Header,
    mut transaction: TxEnv,
) -> Result<u64, Refusal> {
    let allowance = transaction.gas_limit;
    let spent = match simulate(chain_id, state, header, transaction.clone())? {
        ExecutionResult::Success { gas, .. } => gas.tx_gas_used(),
        ExecutionResult::Revert { output, .. } => return Err(Refusal::Reverted(output)),
        ExecutionResult::Halt { .. } => return Err(Refusal::GasAllowance(allowance)),
    };
    // What was used may not do as a limit: a call passes on at most 63/64 of what is left, and
    // refunds come at the end. Hence the search.
    let (mut too_low, mut enough) = (spent.saturating_sub(1), allowance);
    let mut middle = spent.saturating_mul(65) / 64;
    while enough - too_low > enough / 64 && too_low + 1 < enough {
        transaction.gas_limit = middle.clamp(too_low + 1, enough - 1);
        match simulate(chain_id, state, header, transaction.clone()) {
            Ok(result) if result.is_success() => enough = transaction.gas_limit,
            _ => too_low = transaction.gas_limit,
        }
        middle = too_low.midpoint(enough);
    }
    Ok(enough)
}

/// What a request without signature stands for. Fees that it does not name are none.
fn environment(
    chain_id: u64,
    state: &mut State,
    request: TransactionRequest,
    gas_limit: u64,
) -> Result<TxEnv, Refusal> {
    let data = match request.input.try_into_unique_input() {
        Ok(data) => data.unwrap_or_default(),
        Err(error) => return Err(Refusal::Parameters(error.to_string())),
    };
    let caller = request.from.unwrap_or_default();
    let (gas_price, gas_priority_fee) = match (request.gas_price, request.max_fee_per_gas) {
        (Some(_), Some(_)) => {
            let why = "both gasPrice and maxFeePerGas specified";
            return Err(Refusal::Parameters(why.into()));
        }
        (Some(price), None) => (price, None),
        (None, fee) => (
            fee.unwrap_or_default(),
            fee.and(request.max_priority_fee_per_gas),
        ),
    };
    Ok(TxEnv {
        tx_type: if gas_priority_fee.is_some() { 2 } else { 0 },
        caller,
        gas_limit: gas_limit.min(BLOCK_GAS),
        gas_price,
        gas_priority_fee,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data,
        nonce: account(state, caller).nonce,
        chain_id: Some(request.chain_id.unwrap_or(chain_id)),
        ..TxEnv::default()
    })
}
