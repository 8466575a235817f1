// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../src/Committee.sol";
import {QuorumErrors} from "../src/Types.sol";
import {Fixture} from "./Fixture.sol";

contract CommitteeTest is Fixture {
    bytes32 private constant DIGEST = keccak256("anything");

    // --- who is in it

    function test_StartsAtEpochOneWithItsNodes() public {
        address[4] memory nodes = addresses(keys);
        vm.expectEmit();
        emit Committee.Rotated(1, nodes);
        Committee fresh = new Committee(nodes);
        assertEq(fresh.epoch(), 1);
        assertEq(abi.encode(fresh.nodes()), abi.encode(nodes));
    }

    function test_RefusesAZeroNodeAtEveryPlace() public {
        for (uint8 i = 0; i < 4; ++i) {
            address[4] memory nodes = addresses(keys);
            nodes[i] = address(0);
            vm.expectRevert(abi.encodeWithSelector(Committee.ZeroNode.selector, i));
            new Committee(nodes);
        }
    }

    function test_RefusesADuplicateNodeAtEveryPairOfPlaces() public {
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                address[4] memory nodes = addresses(keys);
                nodes[i] = nodes[j];
                vm.expectRevert(abi.encodeWithSelector(Committee.DuplicateNode.selector, nodes[j]));
                new Committee(nodes);
            }
        }
    }

    // --- what a quorum is

    function testFuzz_AcceptsEveryThree(bytes32 digest, uint256 seed) public {
        seed = bound(seed, 1, ORDER - 4);
        keys = someKeys(seed);
        committee = new Committee(addresses(keys));
        for (uint256 i = 0; i < 4; ++i) {
            committee.requireQuorum(1, digest, quorums[i], sign(keys, digest, quorums[i]));
        }
    }

    function test_RefusesEveryOtherBitmap() public {
        for (uint256 bitmap = 0; bitmap < 256; ++bitmap) {
            if (bitmap == 7 || bitmap == 11 || bitmap == 13 || bitmap == 14) continue;
            uint8 small = uint8(bitmap);
            // As good as they can be: those that the low bits name, cut or filled to three.
            bytes memory signatures =
                slice(bytes.concat(sign(keys, DIGEST, small & 15), sign(keys, DIGEST, 7)), 0, 192);
            vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, small));
            committee.requireQuorum(1, DIGEST, small, signatures);
        }
    }

    function test_RefusesABitmapAboveFifteenWithAGoodQuorumBelow() public {
        for (uint8 high = 1; high < 16; ++high) {
            uint8 bitmap = high << 4 | 7;
            vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, bitmap));
            committee.requireQuorum(1, DIGEST, bitmap, sign(keys, DIGEST, 7));
        }
    }

    function test_RefusesFourSignatures() public {
        bytes memory signatures = sign(keys, DIGEST, 15);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, 15));
        committee.requireQuorum(1, DIGEST, 15, signatures);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, 256));
        committee.requireQuorum(1, DIGEST, 7, signatures);
    }

    function testFuzz_RefusesEveryOtherLength(uint256 length) public {
        length = bound(length, 0, 400);
        if (length == 192) ++length;
        bytes memory good = sign(keys, DIGEST, 7);
        bytes memory signatures = slice(bytes.concat(good, new bytes(208)), 0, length);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, length));
        committee.requireQuorum(1, DIGEST, 7, signatures);
    }

    function test_RefusesOneTrailingByte() public {
        bytes memory signatures = bytes.concat(sign(keys, DIGEST, 7), hex"00");
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, 193));
        committee.requireQuorum(1, DIGEST, 7, signatures);
    }

    function test_RefusesTwoSignatures() public {
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, 128));
        committee.requireQuorum(1, DIGEST, 7, sign(keys, DIGEST, 3));
    }

    function test_RefusesOneSignerAtTwoPlaces() public {
        for (uint8 place = 0; place < 3; ++place) {
            for (uint8 from = 0; from < 3; ++from) {
                if (from == place) continue;
                bytes memory signatures =
                    replaced(sign(keys, DIGEST, 7), place, compact(keys[from], DIGEST));
                vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, place));
                committee.requireQuorum(1, DIGEST, 7, signatures);
            }
        }
    }

    function test_RefusesSignaturesInAnotherOrder() public {
        bytes memory signatures = bytes.concat(
            compact(keys[1], DIGEST), compact(keys[0], DIGEST), compact(keys[2], DIGEST)
        );
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.requireQuorum(1, DIGEST, 7, signatures);
    }

    function test_RefusesSignersThatTheBitmapDoesNotName() public {
        for (uint256 i = 0; i < 4; ++i) {
            for (uint256 j = 0; j < 4; ++j) {
                if (i == j) continue;
                vm.expectPartialRevert(QuorumErrors.BadSignature.selector);
                committee.requireQuorum(1, DIGEST, quorums[i], sign(keys, DIGEST, quorums[j]));
            }
        }
    }

    function test_RefusesAStrangerAtEveryPlace() public {
        for (uint8 i = 0; i < 4; ++i) {
            uint8 bitmap = 15 ^ uint8(1 << ((i + 1) % 4));
            uint256[4] memory with = keys;
            with[i] = 0xbad;
            vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, i));
            committee.requireQuorum(1, DIGEST, bitmap, sign(with, DIGEST, bitmap));
        }
    }

    function testFuzz_RefusesEveryFlippedBit(uint256 place, uint8 quorum, bytes32 digest) public {
        place = bound(place, 0, 192 * 8 - 1);
        uint8 bitmap = quorums[quorum % 4];
        bytes memory signatures = sign(keys, digest, bitmap);
        signatures[place / 8] ^= bytes1(uint8(1 << (place % 8)));
        vm.expectRevert();
        committee.requireQuorum(1, digest, bitmap, signatures);
    }

    function testFuzz_RefusesAnotherDigest(bytes32 digest, bytes32 other) public {
        vm.assume(digest != other);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.requireQuorum(1, other, 7, sign(keys, digest, 7));
    }

    function test_RefusesEmptySignaturesForWhichEcrecoverGivesZero() public {
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.requireQuorum(1, DIGEST, 7, new bytes(192));
        assertEq(ecrecover(DIGEST, 27, 0, 0), address(0));
        bytes memory signatures = replaced(sign(keys, DIGEST, 7), 2, new bytes(64));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 2));
        committee.requireQuorum(1, DIGEST, 7, signatures);
    }

    function test_RefusesTheTwinOfASignature() public {
        for (uint256 i = 0; i < 3; ++i) {
            bytes memory good = sign(keys, DIGEST, 7);
            bytes memory signatures = replaced(good, i, twin(slice(good, 64 * i, 64 * i + 64)));
            vm.expectRevert();
            committee.requireQuorum(1, DIGEST, 7, signatures);
        }
    }

    /// @dev Nearly all s in the upper half have 256 bits and do not fit into a compact signature.
    /// These do, and are refused for what they are.
    function testFuzz_RefusesAnSInTheUpperHalf(uint256 s, bool odd) public {
        s = bound(s, ORDER / 2 + 1, type(uint256).max >> 1);
        uint256 vs = s | (odd ? 1 << 255 : 0);
        for (uint8 i = 0; i < 3; ++i) {
            bytes memory signatures =
                replaced(sign(keys, DIGEST, 7), i, abi.encodePacked(keccak256("r"), bytes32(vs)));
            vm.expectRevert(abi.encodeWithSelector(QuorumErrors.HighS.selector, i));
            committee.requireQuorum(1, DIGEST, 7, signatures);
        }
    }

    /// @dev The largest s of the lower half is not refused for being high, the next one is.
    function test_TheLowerHalfEndsAtHalfTheOrder() public {
        bytes memory good = sign(keys, DIGEST, 7);
        bytes32 r = keccak256("r");
        bytes memory low = replaced(good, 0, abi.encodePacked(r, bytes32(ORDER / 2)));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.requireQuorum(1, DIGEST, 7, low);
        bytes memory high = replaced(good, 0, abi.encodePacked(r, bytes32(ORDER / 2 + 1)));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.HighS.selector, 0));
        committee.requireQuorum(1, DIGEST, 7, high);
    }

    function testFuzz_RefusesEveryOtherEpoch(uint64 epoch) public {
        vm.assume(epoch != 1);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 1, epoch));
        committee.requireQuorum(epoch, DIGEST, 7, sign(keys, DIGEST, 7));
    }

    // --- rotation

    function test_AnybodyMayBringARotationThatThreeSigned() public {
        for (uint256 i = 0; i < 4; ++i) {
            setUp();
            address[4] memory next = addresses(someKeys(0xb0b));
            bytes memory signatures = sign(keys, committee.rotationDigest(next), quorums[i]);
            vm.expectEmit(address(committee));
            emit Committee.Rotated(2, next);
            vm.prank(address(0xcafe));
            committee.rotate(next, quorums[i], signatures);
            assertEq(committee.epoch(), 2);
            assertEq(abi.encode(committee.nodes()), abi.encode(next));
        }
    }

    function test_AfterARotationTheNewNodesSignAndTheOldDoNot() public {
        uint256[4] memory next = someKeys(0xb0b);
        rotate(next);
        committee.requireQuorum(2, DIGEST, 7, sign(next, DIGEST, 7));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.requireQuorum(2, DIGEST, 7, sign(keys, DIGEST, 7));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 2, 1));
        committee.requireQuorum(1, DIGEST, 7, sign(keys, DIGEST, 7));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 2, 1));
        committee.requireQuorum(1, DIGEST, 7, sign(next, DIGEST, 7));
    }

    function test_OnlyTheOutgoingCommitteeRotates() public {
        uint256[4] memory next = someKeys(0xb0b);
        address[4] memory nodes = addresses(next);
        bytes memory signatures = sign(next, committee.rotationDigest(nodes), 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.rotate(nodes, 7, signatures);
    }

    function testFuzz_ARotationIsForTheNodesThatWereSigned(uint8 place, address other) public {
        address[4] memory next = addresses(someKeys(0xb0b));
        bytes memory signatures = sign(keys, committee.rotationDigest(next), 7);
        vm.assume(other != next[place % 4]);
        next[place % 4] = other;
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.rotate(next, 7, signatures);
    }

    function test_ARotationThatTwoSignedIsRefused() public {
        address[4] memory next = addresses(someKeys(0xb0b));
        bytes memory signatures = sign(keys, committee.rotationDigest(next), 3);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, 128));
        committee.rotate(next, 7, signatures);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, 3));
        committee.rotate(next, 3, signatures);
    }

    /// @dev There and back, with the same nodes again: the first rotation does not work anew.
    function test_ARotationWorksOnce() public {
        uint256[4] memory next = someKeys(0xb0b);
        address[4] memory nodes = addresses(next);
        bytes memory there = sign(keys, committee.rotationDigest(nodes), 7);
        committee.rotate(nodes, 7, there);
        address[4] memory first = addresses(keys);
        committee.rotate(first, 7, sign(next, committee.rotationDigest(first), 7));
        assertEq(committee.epoch(), 3);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.rotate(nodes, 7, there);
    }

    function test_ARotationIsForOneContractAndOneChain() public {
        address[4] memory next = addresses(someKeys(0xb0b));
        Committee other = new Committee(addresses(keys));
        bytes memory signatures = sign(keys, other.rotationDigest(next), 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.rotate(next, 7, signatures);

        signatures = sign(keys, committee.rotationDigest(next), 7);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        committee.rotate(next, 7, signatures);
    }

    function test_ARotationToBadNodesIsRefusedAndChangesNothing() public {
        address[4] memory next = addresses(someKeys(0xb0b));
        next[3] = next[0];
        bytes memory signatures = sign(keys, committee.rotationDigest(next), 7);
        vm.expectRevert(abi.encodeWithSelector(Committee.DuplicateNode.selector, next[0]));
        committee.rotate(next, 7, signatures);

        next[3] = address(0);
        signatures = sign(keys, committee.rotationDigest(next), 7);
        vm.expectRevert(abi.encodeWithSelector(Committee.ZeroNode.selector, 3));
        committee.rotate(next, 7, signatures);

        assertEq(committee.epoch(), 1);
        assertEq(abi.encode(committee.nodes()), abi.encode(addresses(keys)));
    }

    function test_TheSameNodesMayGoOnInANewEpoch() public {
        rotate(keys);
        committee.requireQuorum(2, DIGEST, 14, sign(keys, DIGEST, 14));
    }

    function rotate(uint256[4] memory next) private {
        address[4] memory nodes = addresses(next);
        committee.rotate(nodes, 7, sign(keys, committee.rotationDigest(nodes), 7));
    }
}
