//! The poll's ABI is the one that clients and L1 were told.

use alloy_json_abi::Param;
use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::{SolCall, SolConstructor, SolError, SolEvent, SolValue, sol};
use contract_testing::{World, user};
use quartet::{Event, contract::ContractError};
use voting_contract::voting::{Ballot, BatchAdded, Contract, PollError, VoteCast, calls};

sol! {
    contract Poll {
        error NotOnTheList();
        error PollStillOpen(uint64 closes);
        event BatchAdded(uint32 indexed index, uint32 voters);
        event VoteCast(address indexed voter);
        constructor(address l1Poll, bytes32 treeRoot, uint32 batches, uint64 closes);
        function addVoters(uint32 index, address[] voters, bytes32[] proof) external;
        function cast(bytes ballot) external;
        function close() external returns (uint64);
        function complete() external view returns (bool);
        function votesCast() external view returns (uint64);
        function closes() external view returns (uint64);
        function batchAdded(uint32 index) external view returns (bool);
    }
}

#[test]
fn calls_are_encoded_as_solidity_does() {
    let (voters, proof) = (vec![Address::repeat_byte(1)], vec![B256::repeat_byte(2); 2]);
    let expected = Poll::addVotersCall {
        index: 3,
        voters: voters.clone(),
        proof: proof.clone(),
    };
    assert_eq!(
        calls::add_voters(3, voters, proof).data(),
        &expected.abi_encode()
    );
    assert_eq!(calls::close().data(), &Poll::closeCall {}.abi_encode());
    assert_eq!(
        calls::complete().data(),
        &Poll::completeCall {}.abi_encode()
    );
    assert_eq!(
        calls::votes_cast().data(),
        &Poll::votesCastCall {}.abi_encode()
    );
    assert_eq!(calls::closes().data(), &Poll::closesCall {}.abi_encode());
    assert_eq!(
        calls::batch_added(7).data(),
        &Poll::batchAddedCall { index: 7 }.abi_encode()
    );

    let sealed = Bytes::from_static(b"sealed");
    let expected = Poll::castCall {
        ballot: sealed.clone(),
    };
    let cast = calls::cast(&Ballot::plain(1));
    assert_eq!(cast.sealed(sealed).data(), &expected.abi_encode());
    assert_eq!((cast.number(), cast.expose()), (0, [vec![1]].as_slice()));

    let (l1_poll, root) = (Address::repeat_byte(4), B256::repeat_byte(5));
    let expected = Poll::constructorCall {
        l1Poll: l1_poll,
        treeRoot: root,
        batches: 6,
        closes: 7,
    };
    assert_eq!(
        calls::new(l1_poll, root, 6, 7).arguments(),
        &expected.abi_encode()
    );
}

#[test]
fn errors_are_encoded_as_solidity_does() {
    assert_eq!(
        PollError::NotOnTheList.encode(),
        Poll::NotOnTheList {}.abi_encode()
    );
    let open = PollError::PollStillOpen { closes: 9 };
    assert_eq!(
        open.encode(),
        Poll::PollStillOpen { closes: 9 }.abi_encode()
    );
    assert_eq!(PollError::decode(&open.encode()), Some(open));
    assert_eq!(PollError::decode(&[1, 2, 3, 4]), None);
}

#[test]
fn events_are_encoded_as_solidity_does() {
    let (event, expected) = (
        BatchAdded {
            index: 1,
            voters: 500,
        },
        Poll::BatchAdded {
            index: 1,
            voters: 500,
        }
        .encode_log_data(),
    );
    assert_eq!(
        event.encode(),
        (expected.topics().to_vec(), expected.data.to_vec())
    );
    let voter = user("ada");
    let expected = Poll::VoteCast { voter }.encode_log_data();
    assert_eq!(
        VoteCast { voter }.encode(),
        (expected.topics().to_vec(), expected.data.to_vec())
    );
    assert_eq!(
        VoteCast::decode(expected.topics(), &expected.data),
        Some(VoteCast { voter })
    );
    assert_eq!(BatchAdded::decode(expected.topics(), &expected.data), None);
}

#[test]
fn description() {
    let deployment = calls::new(Address::ZERO, B256::ZERO, 0, 10);
    let poll: World<Contract> = World::deploy(0, user("opener"), &deployment).unwrap();
    let description = poll.description();
    assert_eq!(description.name, "voting");
    assert_eq!(description.inputs.len(), 1);
    assert_eq!(description.inputs[0].name, "Ballot");
    assert_eq!(description.inputs[0].bytes(), 1);
    assert_eq!(description.input_functions.len(), 1);
    assert_eq!(description.input_functions[0].name, "cast");
    assert_eq!(
        description.input_functions[0].selector.0,
        Poll::castCall::SELECTOR
    );
    assert_eq!(description.computations.len(), 1);
    assert_eq!(description.computations[0].name, "tally");
    assert_eq!(description.computations[0].inputs, [0]);
    assert_eq!(description.computations[0].output, "(uint64[3],uint64)");
    let result = description.computations[0].result.clone().unwrap();
    let result: Param = serde_json::from_value(result).unwrap();
    assert_eq!(result.name, "tally");
    assert_eq!(result.selector_type(), "(uint64[3],uint64)");
    let structure = result.internal_type().map(ToString::to_string);
    assert_eq!(structure.as_deref(), Some("struct Tally"));
    let names: Vec<_> = result.components.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["votes", "invalid"]);
}

#[test]
fn output_is_what_l1_decodes() {
    let deployment = calls::new(Address::ZERO, B256::ZERO, 0, 10);
    let mut poll: World<Contract> = World::deploy(10, user("opener"), &deployment).unwrap();
    let started = poll.call(user("opener"), &calls::close()).unwrap();
    assert_eq!(poll.run(started).votes, [0; 3]);
    let mut opened = Vec::new();
    for value in [1_u64, 2, 3, 4] {
        opened.extend_from_slice(&value.to_le_bytes());
    }
    let output = <Contract as quartet::Contract>::encode(0, &opened).unwrap();
    assert_eq!(output, ([1_u64, 2, 3], 4_u64).abi_encode_params());
    for wrong in [&opened[1..], &[&opened[..], &[0]].concat()] {
        assert!(<Contract as quartet::Contract>::encode(0, wrong).is_err());
    }
    assert!(<Contract as quartet::Contract>::encode(1, &opened).is_err());
}
