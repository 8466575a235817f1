// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The EIP-712 domain of Quartet's contracts: name, version, this chain, this contract
abstract contract Eip712 {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );

    uint256 private immutable _deployedChainId;
    bytes32 private immutable _deployedSeparator;

    constructor() {
        _deployedChainId = block.chainid;
        _deployedSeparator = _separator();
    }

    /// @notice The separator of this contract on this chain; after a fork of the chain, the fork's.
    function domainSeparator() public view returns (bytes32) {
        return block.chainid == _deployedChainId ? _deployedSeparator : _separator();
    }

    /// @dev The digest to sign for the hash of a struct.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), structHash));
    }

    function _separator() private view returns (bytes32) {
        return keccak256(
            abi.encode(
                DOMAIN_TYPEHASH, keccak256("Quartet"), keccak256("1"), block.chainid, address(this)
            )
        );
    }
}
