// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Attestation} from "../src/Types.sol";
import {Voting} from "../src/Voting.sol";
import {Fixture} from "./Fixture.sol";

/// @title A poll, and the tree of its voters written out plainly
abstract contract VotingFixture is Fixture {
    address internal constant OPENER = address(0x0be4e4);
    uint256 internal constant DEPTH = 16;

    Voting internal voting;

    function setUp() public virtual override {
        super.setUp();
        voting = newVoting();
    }

    function newVoting() internal returns (Voting) {
        vm.prank(OPENER);
        return new Voting(verifier, L2_CHAIN, L2_CONTRACT, CODE, "Which?", 1_800_000_000);
    }

    /// @dev `count` voters that differ from those of other seeds.
    function voters(uint256 seed, uint256 count) internal pure returns (address[] memory list) {
        list = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            list[i] = address(uint160(uint256(keccak256(abi.encode(seed, i)))));
        }
    }

    function leafOf(uint32 index, address[] memory list) internal pure returns (bytes32) {
        bytes memory packed;
        for (uint256 i = 0; i < list.length; ++i) {
            packed = bytes.concat(packed, bytes12(0), bytes20(list[i]));
        }
        return keccak256(bytes.concat(bytes32(uint256(index)), keccak256(packed)));
    }

    /// @dev The root of a tree of the contract's depth whose first leaves these are.
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        bytes32 empty = 0;
        for (uint256 level = 0; level < DEPTH; ++level) {
            bytes32[] memory parents = new bytes32[]((leaves.length + 1) / 2);
            for (uint256 i = 0; i < parents.length; ++i) {
                bytes32 right = 2 * i + 1 < leaves.length ? leaves[2 * i + 1] : empty;
                parents[i] = keccak256(bytes.concat(leaves[2 * i], right));
            }
            leaves = parents;
            empty = keccak256(bytes.concat(empty, empty));
        }
        return leaves.length == 0 ? empty : leaves[0];
    }

    function add(uint256 seed, uint256 count) internal {
        vm.prank(OPENER);
        voting.addVoters(voters(seed, count));
    }

    function seal() internal {
        vm.prank(OPENER);
        voting.sealElectorate();
    }

    function outputOf(uint64[3] memory votes, uint64 invalid) internal pure returns (bytes memory) {
        return abi.encode(votes, invalid);
    }

    function resultOf(uint64 index, uint64[3] memory votes, uint64 invalid)
        internal
        view
        returns (Attestation memory)
    {
        return attestationOf(computationId(index), voting.context(), outputOf(votes, invalid));
    }
}
