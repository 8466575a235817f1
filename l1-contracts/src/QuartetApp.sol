// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Attestation, QuorumErrors} from "./Types.sol";
import {Verifier} from "./Verifier.sol";

/// @title A contract that takes results of one confidential contract on the L2
/// @notice Anybody may submit a result. It counts if three nodes signed it, if it is of the one L2
/// contract, code and context that this contract names, and if that computation's result was not
/// taken before. Nobody can stop, replace or take back a result.
abstract contract QuartetApp is QuorumErrors {
    /// @notice Checks the signatures.
    Verifier public immutable verifier;
    /// @notice Id of the L2 chain.
    uint64 public immutable l2ChainId;
    /// @notice The only L2 contract whose results are taken.
    address public immutable l2Contract;
    /// @notice keccak-256 of that contract's code.
    bytes32 public immutable codeHash;

    mapping(bytes32 computationId => bool) private _accepted;

    /// @notice There is no contract at the verifier's address.
    error NoVerifier(address verifier);
    /// @notice The L2 chain, contract or code hash is zero.
    error ZeroTarget();
    /// @notice The result is of another L2 chain.
    error WrongChain(uint64 expected, uint64 actual);
    /// @notice The result is of another L2 contract.
    error WrongContract(address expected, address actual);
    /// @notice The result is of other code.
    error WrongCode(bytes32 expected, bytes32 actual);
    /// @notice The computation was started for something else.
    error WrongContext(bytes32 expected, bytes32 actual);
    /// @notice A result of this computation was accepted before.
    error AlreadyAccepted(bytes32 computationId);
    /// @notice The output is not what this app's L2 contract gives.
    error BadOutput();

    constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_) {
        if (address(verifier_).code.length == 0) revert NoVerifier(address(verifier_));
        if (l2ChainId_ == 0 || l2Contract_ == address(0) || codeHash_ == 0) revert ZeroTarget();
        verifier = verifier_;
        l2ChainId = l2ChainId_;
        l2Contract = l2Contract_;
        codeHash = codeHash_;
    }

    /// @notice Hands in a result with the signatures of three nodes.
    /// @param bitmap which three; bit i is node i
    /// @param signatures theirs, EIP-2098, 64 bytes each, in ascending order of node
    function submit(Attestation calldata attestation, uint8 bitmap, bytes calldata signatures)
        external
    {
        if (attestation.l2ChainId != l2ChainId) {
            revert WrongChain(l2ChainId, attestation.l2ChainId);
        }
        if (attestation.l2Contract != l2Contract) {
            revert WrongContract(l2Contract, attestation.l2Contract);
        }
        if (attestation.codeHash != codeHash) revert WrongCode(codeHash, attestation.codeHash);
        if (accepted(attestation.computationId)) revert AlreadyAccepted(attestation.computationId);
        bytes32 expected = _context();
        if (attestation.context != expected) revert WrongContext(expected, attestation.context);
        verifier.verify(attestation, bitmap, signatures);

        _accept(attestation.computationId);
        _onResult(attestation.computationId, attestation.output);
    }

    /// @notice Whether a result of this computation was accepted.
    function accepted(bytes32 computationId) public view virtual returns (bool) {
        return _accepted[computationId];
    }

    /// @dev Remembers that a result of this computation was accepted. Whoever overrides it
    /// overrides `accepted` too, which must be true for this id from then on.
    function _accept(bytes32 computationId) internal virtual {
        _accepted[computationId] = true;
    }

    /// @dev What the L2 contract must have fixed when it started the computation. Reverts while
    /// this app takes no result.
    function _context() internal view virtual returns (bytes32);

    /// @dev Takes the checked output of a computation, once per computation. Must revert on an
    /// output that it does not understand.
    function _onResult(bytes32 computationId, bytes calldata output) internal virtual;
}
