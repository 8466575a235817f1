// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Eip712} from "./Eip712.sol";
import {QuorumErrors} from "./Types.sol";

/// @title The four nodes whose word counts, and the check that three of them gave it
/// @notice Nobody owns it: only three of the four current nodes can name the next four.
contract Committee is Eip712, QuorumErrors {
    /// @notice How many nodes a committee has.
    uint256 public constant NODES = 4;
    /// @notice How many of them must sign.
    uint256 public constant THRESHOLD = 3;

    bytes32 private constant ROTATION_TYPEHASH =
        keccak256("Rotation(address[4] nodes,uint64 epoch)");
    /// @dev Half the order of secp256k1, rounded down. A signature with a larger s has a twin.
    uint256 private constant HALF_ORDER =
        0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @dev One storage slot per node; the epoch is in each, so that a check reads three slots.
    struct Seat {
        address node;
        uint64 epoch;
    }

    Seat[NODES] private _seats;

    /// @notice These nodes are the committee of this epoch, and those before are no longer.
    event Rotated(uint64 indexed epoch, address[NODES] nodes);

    /// @notice A node's address is zero.
    error ZeroNode(uint8 index);
    /// @notice Two nodes have the same address.
    error DuplicateNode(address node);

    /// @param initialNodes the committee of epoch 1; a node's place is its party number
    constructor(address[NODES] memory initialNodes) {
        _seat(initialNodes, 1);
    }

    /// @notice Replaces the committee. Anybody may send it; the outgoing committee must have signed
    /// `rotationDigest(newNodes)`.
    /// @param newNodes the next committee, in order of party number; nodes may stay on
    /// @param bitmap which three of the outgoing nodes signed; bit i is node i
    /// @param signatures theirs, EIP-2098, in ascending order of node
    function rotate(address[NODES] calldata newNodes, uint8 bitmap, bytes calldata signatures)
        external
    {
        uint64 current = epoch();
        requireQuorum(current, rotationDigest(newNodes), bitmap, signatures);
        _seat(newNodes, current + 1);
    }

    /// @notice Reverts unless exactly three nodes of the current epoch signed `digest`.
    /// @param signedEpoch the epoch that the digest names
    /// @param digest what was signed
    /// @param bitmap which three nodes signed; bit i is node i
    /// @param signatures theirs, EIP-2098 (r, then s with the parity in its top bit), 64 bytes
    /// each, in ascending order of node
    function requireQuorum(
        uint64 signedEpoch,
        bytes32 digest,
        uint8 bitmap,
        bytes calldata signatures
    ) public view {
        // The four bitmaps with three of four bits.
        if (bitmap != 7 && bitmap != 11 && bitmap != 13 && bitmap != 14) revert BadBitmap(bitmap);
        if (signatures.length != 64 * THRESHOLD) revert BadLength(signatures.length);

        bytes calldata rest = signatures;
        for (uint8 i = 0; i < NODES; ++i) {
            if (bitmap >> i & 1 == 0) continue;
            Seat storage seat = _seats[i];
            if (seat.epoch != signedEpoch) revert WrongEpoch(seat.epoch, signedEpoch);

            bytes32 r = bytes32(rest);
            uint256 parityAndS = uint256(bytes32(rest[32:]));
            rest = rest[64:];
            uint256 s = parityAndS & (type(uint256).max >> 1);
            if (s > HALF_ORDER) revert HighS(i);
            // A seat is never zero, so neither is a signer that matches it.
            if (ecrecover(digest, uint8(27 + (parityAndS >> 255)), r, bytes32(s)) != seat.node) {
                revert BadSignature(i);
            }
        }
    }

    /// @notice What the current committee signs to be replaced by `newNodes`.
    /// @dev Binds the new nodes, the new epoch, this chain and this contract.
    function rotationDigest(address[NODES] calldata newNodes) public view returns (bytes32) {
        return _digest(
            keccak256(abi.encode(ROTATION_TYPEHASH, keccak256(abi.encode(newNodes)), epoch() + 1))
        );
    }

    /// @notice The current epoch, counted from 1.
    function epoch() public view returns (uint64) {
        return _seats[0].epoch;
    }

    /// @notice The current nodes, in order of party number.
    function nodes() external view returns (address[NODES] memory current) {
        for (uint256 i = 0; i < NODES; ++i) {
            current[i] = _seats[i].node;
        }
    }

    function _seat(address[NODES] memory newNodes, uint64 newEpoch) private {
        for (uint8 i = 0; i < NODES; ++i) {
            address node = newNodes[i];
            if (node == address(0)) revert ZeroNode(i);
            for (uint256 j = 0; j < i; ++j) {
                if (newNodes[j] == node) revert DuplicateNode(node);
            }
            _seats[i] = Seat(node, newEpoch);
        }
        emit Rotated(newEpoch, newNodes);
    }
}
