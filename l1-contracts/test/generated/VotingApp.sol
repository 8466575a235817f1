// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from the confidential contract voting by `quartet contract build`: inherit from it, and
// let the next build overwrite it.
pragma solidity ^0.8.24;

import {QuartetApp} from "../../src/QuartetApp.sol";
import {Verifier} from "../../src/Verifier.sol";

/// @notice What is revealed.
struct Tally {
    /// @dev Votes for each choice.
    uint64[3] votes;
    /// @dev Votes for none of them.
    uint64 invalid;
}

/// @title Takes results of tally of the confidential contract voting
/// @notice The contract.
abstract contract VotingApp is QuartetApp {
    /// @dev EIP-712 type of Tally.
    bytes32 internal constant TALLY_TYPEHASH =
        keccak256("Tally(uint64[3] votes,uint64 invalid)");

    /// @param verifier_ checks the nodes' signatures
    /// @param l2ChainId_ id of the L2 chain
    /// @param l2Contract_ address of the confidential contract on it
    /// @param codeHash_ keccak-256 of its code, as `quartet contract build` reports it
    constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_)
        QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_)
    {}

    /// @dev Takes a result that three nodes signed, once per computation.
    /// @param computationId id of the computation
    /// @param tally What is revealed.
    function _onTally(bytes32 computationId, Tally memory tally) internal virtual;

    /// @inheritdoc QuartetApp
    function _onResult(bytes32 computationId, bytes calldata output) internal override {
        if (output.length != 128) revert BadOutput();
        _onTally(computationId, abi.decode(output, (Tally)));
    }

    /// @dev The hash of a Tally by EIP-712.
    function _hashTally(Tally memory value) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(TALLY_TYPEHASH, keccak256(abi.encodePacked(value.votes)), value.invalid)
        );
    }
}
