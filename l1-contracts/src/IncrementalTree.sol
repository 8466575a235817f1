// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title A Merkle tree of fixed depth that only grows, of which only the frontier is stored
/// @dev As in the beacon chain's deposit contract: an inner node is keccak256(left ‖ right), an
/// empty leaf is zero.
library IncrementalTree {
    /// @dev Levels above the leaves.
    uint256 internal constant DEPTH = 16;
    /// @dev A full tree would leave no place for the last frontier.
    uint256 internal constant MAX_LEAVES = (1 << DEPTH) - 1;

    /// @dev The roots of the complete subtrees, by level, that are not part of a larger one.
    struct Frontier {
        bytes32[DEPTH] nodes;
    }

    /// @dev Puts `leaf` into the tree as its `size`th, counted from 1, at most `MAX_LEAVES`.
    function insert(Frontier storage frontier, uint256 size, bytes32 leaf) internal {
        bytes32 node = leaf;
        uint256 level = 0;
        for (; size & 1 == 0; size >>= 1) {
            node = _parent(frontier.nodes[level], node);
            ++level;
        }
        frontier.nodes[level] = node;
    }

    /// @dev The root over `size` leaves, the rest of them empty.
    function root(Frontier storage frontier, uint256 size) internal view returns (bytes32) {
        bytes32 node = 0;
        bytes32 empty = 0;
        for (uint256 level = 0; level < DEPTH; ++level) {
            node = size & 1 == 1 ? _parent(frontier.nodes[level], node) : _parent(node, empty);
            empty = _parent(empty, empty);
            size >>= 1;
        }
        return node;
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(left, right));
    }
}
