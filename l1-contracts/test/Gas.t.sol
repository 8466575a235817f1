// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../src/Committee.sol";
import {Attestation} from "../src/Types.sol";
import {Verifier} from "../src/Verifier.sol";
import {Voting} from "../src/Voting.sol";
import {VotingFixture} from "./VotingFixture.sol";

/// @title What transactions cost; `.gas-snapshot` is of this file
/// @dev With `--isolate` every call is a transaction with its own base fee and cold storage. All
/// else is prepared in `setUp`, so that a test is little more than its transaction.
contract GasTest is VotingFixture {
    Attestation private result;
    bytes private signatures;
    address[4] private nodes;
    bytes private rotation;
    Voting private empty;
    Voting private sealable;

    function setUp() public override {
        super.setUp();
        empty = voting;
        voting = newVoting();
        add(0, 500);
        sealable = voting;
        voting = newVoting();
        add(0, 25);
        seal();
        result = resultOf(0, [uint64(11), 8, 5], 1);
        signatures = sign(result, 7);
        nodes = addresses(someKeys(0xb0b));
        rotation = sign(keys, committee.rotationDigest(nodes), 7);
    }

    function test_DeployCommittee() public {
        new Committee(addresses(keys));
    }

    function test_DeployVerifier() public {
        new Verifier(committee);
    }

    function test_DeployVoting() public {
        new Voting(verifier, L2_CHAIN, L2_CONTRACT, CODE, "Which?", 1_800_000_000);
    }

    function test_AddVoters25() public {
        vm.prank(OPENER);
        empty.addVoters(voters(0, 25));
    }

    function test_AddVoters500() public {
        vm.prank(OPENER);
        empty.addVoters(voters(0, 500));
    }

    function test_SealElectorate() public {
        vm.prank(OPENER);
        sealable.sealElectorate();
    }

    function test_Rotate() public {
        committee.rotate(nodes, 7, rotation);
    }

    function test_Submit() public {
        (Attestation memory attestation, bytes memory three) = (result, signatures);
        voting.submit(attestation, 7, three);
        uint64 used = vm.lastCallGas().gasTotalUsed;
        emit log_named_uint("gas of submit", used);
        assertLt(used, 95_000);
    }
}
