// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Committee} from "../src/Committee.sol";
import {Attestation} from "../src/Types.sol";
import {Verifier} from "../src/Verifier.sol";

/// @title A committee whose keys the test has, and what it signs
abstract contract Fixture is Test {
    /// @dev The order of secp256k1.
    uint256 internal constant ORDER =
        0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    uint256 internal constant FIRST_KEY = 0xa11ce;

    uint64 internal constant L2_CHAIN = 9001;
    address internal constant L2_CONTRACT = address(0x1234567890123456789012345678901234567890);
    bytes32 internal constant CODE = keccak256("code");

    /// @dev The four subsets of three.
    uint8[4] internal quorums = [7, 11, 13, 14];
    uint256[4] internal keys;
    Committee internal committee;
    Verifier internal verifier;

    function setUp() public virtual {
        keys = someKeys(FIRST_KEY);
        committee = new Committee(addresses(keys));
        verifier = new Verifier(committee);
    }

    function someKeys(uint256 first) internal pure returns (uint256[4] memory) {
        return [first, first + 1, first + 2, first + 3];
    }

    function addresses(uint256[4] memory of_) internal pure returns (address[4] memory nodes) {
        for (uint256 i = 0; i < 4; ++i) {
            nodes[i] = vm.addr(of_[i]);
        }
    }

    function compact(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        return abi.encodePacked(r, vs);
    }

    /// @dev Signatures of the nodes in the bitmap, in ascending order.
    function sign(uint256[4] memory by, bytes32 digest, uint8 bitmap)
        internal
        pure
        returns (bytes memory signatures)
    {
        for (uint256 i = 0; i < 4; ++i) {
            if (bitmap >> i & 1 == 1) {
                signatures = bytes.concat(signatures, compact(by[i], digest));
            }
        }
    }

    function sign(Attestation memory attestation, uint8 bitmap)
        internal
        view
        returns (bytes memory)
    {
        return sign(keys, verifier.attestationDigest(attestation), bitmap);
    }

    /// @dev The same signature with the other s, which ecrecover takes too. Its s has 256 bits, so
    /// the parity does not fit; what fits is the low 255 bits.
    function twin(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = abi.decode(signature, (bytes32, bytes32));
        uint256 s = ORDER - (uint256(vs) & (type(uint256).max >> 1));
        return abi.encodePacked(r, bytes32(s));
    }

    function replaced(bytes memory signatures, uint256 place, bytes memory signature)
        internal
        pure
        returns (bytes memory copy)
    {
        copy = bytes.concat(signatures);
        for (uint256 i = 0; i < 64; ++i) {
            copy[64 * place + i] = signature[i];
        }
    }

    function slice(bytes memory data, uint256 from, uint256 to)
        internal
        pure
        returns (bytes memory part)
    {
        part = new bytes(to - from);
        for (uint256 i = from; i < to; ++i) {
            part[i - from] = data[i];
        }
    }

    function computationId(uint64 index) internal pure returns (bytes32) {
        return keccak256(abi.encode(L2_CONTRACT, index));
    }

    function attestationOf(bytes32 id, bytes32 context, bytes memory output)
        internal
        view
        returns (Attestation memory)
    {
        return Attestation({
            l2ChainId: L2_CHAIN,
            l2Contract: L2_CONTRACT,
            codeHash: CODE,
            computationId: id,
            programHash: keccak256("program"),
            inputRoot: keccak256("inputs"),
            inputCount: 25,
            context: context,
            epoch: committee.epoch(),
            output: output
        });
    }
}
