// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "./Committee.sol";
import {Eip712} from "./Eip712.sol";
import {Attestation, QuorumErrors} from "./Types.sol";

/// @title Says whether the committee signed an attestation
/// @notice Holds no state and no power; what was accepted before is for apps to remember.
contract Verifier is Eip712, QuorumErrors {
    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(uint64 l2ChainId,address l2Contract,bytes32 codeHash,bytes32 computationId,"
        "bytes32 programHash,bytes32 inputRoot,uint64 inputCount,bytes32 context,uint64 epoch,"
        "bytes output)"
    );

    /// @notice Whose signatures count.
    Committee public immutable committee;

    /// @notice There is no contract at the committee's address.
    error NoCommittee(address committee);

    /// @param committee_ whose signatures count
    constructor(Committee committee_) {
        if (address(committee_).code.length == 0) revert NoCommittee(address(committee_));
        committee = committee_;
    }

    /// @notice Reverts unless exactly three nodes of the current committee signed `attestation`.
    /// @param bitmap which three; bit i is node i
    /// @param signatures theirs, EIP-2098, 64 bytes each, in ascending order of node
    function verify(Attestation calldata attestation, uint8 bitmap, bytes calldata signatures)
        external
        view
    {
        committee.requireQuorum(
            attestation.epoch, attestationDigest(attestation), bitmap, signatures
        );
    }

    /// @notice What nodes sign for `attestation` on this chain and for this contract.
    function attestationDigest(Attestation calldata attestation) public view returns (bytes32) {
        return _digest(
            keccak256(
                abi.encode(
                    ATTESTATION_TYPEHASH,
                    attestation.l2ChainId,
                    attestation.l2Contract,
                    attestation.codeHash,
                    attestation.computationId,
                    attestation.programHash,
                    attestation.inputRoot,
                    attestation.inputCount,
                    attestation.context,
                    attestation.epoch,
                    keccak256(attestation.output)
                )
            )
        );
    }
}
