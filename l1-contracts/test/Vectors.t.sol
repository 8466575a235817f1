// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../src/Committee.sol";
import {Attestation} from "../src/Types.sol";
import {Verifier} from "../src/Verifier.sol";
import {Voting} from "../src/Voting.sol";
import {VotingFixture} from "./VotingFixture.sol";

/// @title The files that the Rust side is tested against too
contract VectorsTest is VotingFixture {
    function test_Attestations() public {
        string memory json = vm.readFile("vectors/attestation.json");
        vm.chainId(vm.parseJsonUint(json, ".l1.chainId"));
        readNodes(json);
        committee = new Committee(addresses(keys));
        verifier = Verifier(vm.parseJsonAddress(json, ".l1.verifier"));
        deployCodeTo("Verifier.sol:Verifier", abi.encode(committee), address(verifier));

        uint256 count = 0;
        for (; vm.keyExistsJson(json, casePath(count)); ++count) {
            string memory path = casePath(count);
            Attestation memory attestation =
                readAttestation(json, string.concat(path, ".attestation"));
            bytes32 digest = verifier.attestationDigest(attestation);
            assertEq(digest, vm.parseJsonBytes32(json, string.concat(path, ".digest")));
            checkSignatures(json, path, digest);
            setEpoch(attestation.epoch);
            verifier.verify(
                attestation,
                uint8(vm.parseJsonUint(json, string.concat(path, ".bitmap"))),
                vm.parseJsonBytes(json, string.concat(path, ".quorum"))
            );
        }
        assertEq(count, 4);
    }

    function test_Rotation() public {
        string memory json = vm.readFile("vectors/rotation.json");
        vm.chainId(vm.parseJsonUint(json, ".l1.chainId"));
        readNodes(json);
        committee = Committee(vm.parseJsonAddress(json, ".l1.committee"));
        deployCodeTo("Committee.sol:Committee", abi.encode(addresses(keys)), address(committee));
        address[] memory list = vm.parseJsonAddressArray(json, ".newNodes");
        address[4] memory next = [list[0], list[1], list[2], list[3]];
        bytes32 digest = committee.rotationDigest(next);
        assertEq(digest, vm.parseJsonBytes32(json, ".digest"));
        checkSignatures(json, "", digest);
        committee.rotate(
            next, uint8(vm.parseJsonUint(json, ".bitmap")), vm.parseJsonBytes(json, ".quorum")
        );
        assertEq(committee.epoch(), vm.parseJsonUint(json, ".newEpoch"));
        assertEq(abi.encode(committee.nodes()), abi.encode(next));
    }

    function test_Electorates() public {
        string memory json = vm.readFile("vectors/electorate.json");
        assertEq(vm.parseJsonUint(json, ".depth"), DEPTH);
        uint256 count = 0;
        for (; vm.keyExistsJson(json, casePath(count)); ++count) {
            checkElectorate(json, casePath(count));
        }
        assertEq(count, 5);
    }

    function checkElectorate(string memory json, string memory path) private {
        voting = Voting(vm.parseJsonAddress(json, string.concat(path, ".poll")));
        vm.startPrank(OPENER);
        deployCodeTo(
            "Voting.sol:Voting",
            abi.encode(verifier, L2_CHAIN, L2_CONTRACT, CODE, "Which?", uint64(0)),
            address(voting)
        );
        vm.stopPrank();
        bytes32[] memory leaves = vm.parseJsonBytes32Array(json, string.concat(path, ".leaves"));
        bytes32 root = vm.parseJsonBytes32(json, string.concat(path, ".root"));
        for (uint32 i = 0; i < leaves.length; ++i) {
            string memory element = string.concat("[", vm.toString(i), "]");
            address[] memory list =
                vm.parseJsonAddressArray(json, string.concat(path, ".batches", element));
            assertEq(leafOf(i, list), leaves[i]);
            bytes32[] memory proof =
                vm.parseJsonBytes32Array(json, string.concat(path, ".proofs", element));
            assertEq(climb(leaves[i], i, proof), root);
            vm.prank(voting.opener());
            voting.addVoters(list);
        }
        vm.prank(voting.opener());
        voting.sealElectorate();
        assertEq(voting.treeRoot(), root);
        assertEq(voting.context(), vm.parseJsonBytes32(json, string.concat(path, ".context")));
    }

    /// @dev The root that a proof leads to, as the L2 contract computes it.
    function climb(bytes32 node, uint256 index, bytes32[] memory proof)
        private
        pure
        returns (bytes32)
    {
        assertEq(proof.length, DEPTH);
        for (uint256 i = 0; i < proof.length; ++i) {
            node = index >> i & 1 == 1
                ? keccak256(abi.encode(proof[i], node))
                : keccak256(abi.encode(node, proof[i]));
        }
        return node;
    }

    /// @dev Each node's signature, which is deterministic, and those of the quorum, joined.
    function checkSignatures(string memory json, string memory path, bytes32 digest) private view {
        bytes[] memory signatures = vm.parseJsonBytesArray(json, string.concat(path, ".signatures"));
        assertEq(signatures.length, 4);
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(signatures[i], compact(keys[i], digest));
        }
        uint8 bitmap = uint8(vm.parseJsonUint(json, string.concat(path, ".bitmap")));
        assertEq(
            vm.parseJsonBytes(json, string.concat(path, ".quorum")), sign(keys, digest, bitmap)
        );
    }

    function readNodes(string memory json) private {
        for (uint256 i = 0; i < 4; ++i) {
            string memory path = string.concat(".nodes[", vm.toString(i), "]");
            keys[i] = vm.parseJsonUint(json, string.concat(path, ".privateKey"));
            assertEq(vm.addr(keys[i]), vm.parseJsonAddress(json, string.concat(path, ".address")));
        }
    }

    function readAttestation(string memory json, string memory path)
        private
        pure
        returns (Attestation memory)
    {
        return Attestation({
            l2ChainId: uint64(vm.parseJsonUint(json, string.concat(path, ".l2ChainId"))),
            l2Contract: vm.parseJsonAddress(json, string.concat(path, ".l2Contract")),
            codeHash: vm.parseJsonBytes32(json, string.concat(path, ".codeHash")),
            computationId: vm.parseJsonBytes32(json, string.concat(path, ".computationId")),
            programHash: vm.parseJsonBytes32(json, string.concat(path, ".programHash")),
            inputRoot: vm.parseJsonBytes32(json, string.concat(path, ".inputRoot")),
            inputCount: uint64(vm.parseJsonUint(json, string.concat(path, ".inputCount"))),
            context: vm.parseJsonBytes32(json, string.concat(path, ".context")),
            epoch: uint64(vm.parseJsonUint(json, string.concat(path, ".epoch"))),
            output: vm.parseJsonBytes(json, string.concat(path, ".output"))
        });
    }

    /// @dev Puts the committee into an epoch that it would take ages to reach.
    function setEpoch(uint64 epoch) private {
        for (uint256 i = 0; i < 4; ++i) {
            uint256 seat = uint256(epoch) << 160 | uint160(vm.addr(keys[i]));
            vm.store(address(committee), bytes32(i), bytes32(seat));
        }
        assertEq(committee.epoch(), epoch);
    }

    function casePath(uint256 index) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(index), "]");
    }
}
