// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice What the nodes say about one computation. The same struct, field by field, as
/// `wire::attestation::Attestation`; its EIP-712 hash is what they sign.
struct Attestation {
    /// @dev Id of the L2 chain.
    uint64 l2ChainId;
    /// @dev Address of the L2 contract.
    address l2Contract;
    /// @dev keccak-256 of its code.
    bytes32 codeHash;
    /// @dev `keccak256(abi.encode(l2Contract, index))`.
    bytes32 computationId;
    /// @dev Hash of the program that ran on shares.
    bytes32 programHash;
    /// @dev Merkle root over the inputs that it ran on.
    bytes32 inputRoot;
    /// @dev How many inputs those were.
    uint64 inputCount;
    /// @dev 32 bytes that the L2 contract fixed when it started the computation.
    bytes32 context;
    /// @dev Epoch of the committee.
    uint64 epoch;
    /// @dev ABI-encoded output.
    bytes output;
}

/// @title Why a quorum of signatures is refused
/// @dev Inherited by everything that signatures pass through, so that the ABI of an app alone
/// suffices to decode a refusal.
interface QuorumErrors {
    /// @notice The signatures are of another epoch than the committee's current one.
    error WrongEpoch(uint64 expected, uint64 actual);
    /// @notice A bitmap must have exactly three of its lowest four bits set, and no other.
    error BadBitmap(uint8 bitmap);
    /// @notice Signatures are three times 64 bytes, with nothing after them.
    error BadLength(uint256 actual);
    /// @notice The signature at the place of this node is not that node's over this digest.
    error BadSignature(uint8 node);
    /// @notice The signature at the place of this node has s in the upper half of the group order.
    error HighS(uint8 node);
}
