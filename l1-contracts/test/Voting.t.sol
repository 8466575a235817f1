// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {QuartetApp} from "../src/QuartetApp.sol";
import {Attestation, QuorumErrors} from "../src/Types.sol";
import {Voting} from "../src/Voting.sol";
import {VotingFixture} from "./VotingFixture.sol";

contract VotingTest is VotingFixture {
    uint64[3] private votes = [uint64(11), 8, 5];
    uint64 private constant INVALID = 1;

    // --- a result

    function testFuzz_PublishesATally(uint64[3] memory any, uint64 invalid, uint8 quorum) public {
        ready();
        uint8 bitmap = quorums[quorum % 4];
        Attestation memory result = resultOf(0, any, invalid);
        bytes memory signatures = sign(result, bitmap);
        vm.expectEmit(address(voting));
        emit Voting.TallyPublished(any, invalid, computationId(0));
        vm.prank(address(0xcafe));
        voting.submit(result, bitmap, signatures);
        assertTrue(voting.accepted(computationId(0)));
        assertEq(uint8(voting.phase()), uint8(Voting.Phase.Published));
        assertTally(any, invalid);
    }

    function test_ThereIsNoTallyBeforeItIsPublished() public {
        vm.expectRevert(Voting.NotPublished.selector);
        voting.tally();
        ready();
        vm.expectRevert(Voting.NotPublished.selector);
        voting.tally();
        assertFalse(voting.accepted(computationId(0)));
        assertFalse(voting.accepted(0));
    }

    /// @dev A poll in which nobody voted is published like any other, and once.
    function test_ATallyOfZeroesIsFinalToo() public {
        ready();
        uint64[3] memory none;
        publish(resultOf(0, none, 0));
        assertTally(none, 0);
        refusedAsPublished(1);
    }

    function test_AReplayIsRefused() public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        publish(result);
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory signatures = sign(result, quorums[i]);
            vm.expectRevert(
                abi.encodeWithSelector(QuartetApp.AlreadyAccepted.selector, computationId(0))
            );
            voting.submit(result, quorums[i], signatures);
        }
    }

    function test_AnotherComputationCannotPublishAgain() public {
        ready();
        publish(resultOf(3, votes, INVALID));
        refusedAsPublished(4);
        refusedAsPublished(2);
        assertFalse(voting.accepted(computationId(2)));
        assertTally(votes, INVALID);
    }

    /// @dev Ids that agree in the bytes that are kept are refused as well, if for another reason.
    function testFuzz_OnceIsOnceForEveryId(bytes32 first, bytes32 second) public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        result.computationId = first;
        publish(result);
        result.computationId = second;
        bytes memory signatures = sign(result, 7);
        vm.expectRevert();
        voting.submit(result, 7, signatures);
        assertEq(voting.accepted(second), bytes27(first) == bytes27(second));
        result.computationId = first ^ bytes32(uint256(1));
        signatures = sign(result, 7);
        vm.expectRevert();
        voting.submit(result, 7, signatures);
    }

    function test_AnAlteredTallyIsRefused() public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        bytes memory signatures = sign(result, 7);
        result.output = outputOf([uint64(8), 11, 5], INVALID);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        voting.submit(result, 7, signatures);
    }

    function test_TwoSignaturesAreRefused() public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        bytes memory signatures = sign(result, 3);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, 3));
        voting.submit(result, 3, signatures);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, 128));
        voting.submit(result, 7, signatures);
        signatures = bytes.concat(signatures, slice(signatures, 64, 128));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 2));
        voting.submit(result, 7, signatures);
    }

    function test_AResultOfAnotherTargetIsRefusedThoughThreeSigned() public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        result.l2Contract = address(0xbeef);
        refused(
            result,
            abi.encodeWithSelector(QuartetApp.WrongContract.selector, L2_CONTRACT, address(0xbeef))
        );
        result = resultOf(0, votes, INVALID);
        result.codeHash = keccak256("other code");
        refused(
            result,
            abi.encodeWithSelector(QuartetApp.WrongCode.selector, CODE, keccak256("other code"))
        );
        result = resultOf(0, votes, INVALID);
        result.l2ChainId = 1;
        refused(result, abi.encodeWithSelector(QuartetApp.WrongChain.selector, L2_CHAIN, 1));
        result = resultOf(0, votes, INVALID);
        result.epoch = 2;
        refused(result, abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 1, 2));
    }

    /// @dev Same voters, same L2 contract, same nodes: still another poll.
    function test_AResultForAnotherPollIsRefused() public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        voting = newVoting();
        ready();
        assertNotEq(result.context, voting.context());
        refused(
            result,
            abi.encodeWithSelector(
                QuartetApp.WrongContext.selector, voting.context(), result.context
            )
        );
    }

    function testFuzz_AResultOverAnotherElectorateIsRefused(bytes32 root, uint32 batches) public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        vm.assume(root != voting.treeRoot() || batches != voting.batchCount());
        result.context = keccak256(abi.encode(address(voting), root, batches));
        refused(
            result,
            abi.encodeWithSelector(
                QuartetApp.WrongContext.selector, voting.context(), result.context
            )
        );
    }

    function test_NothingIsAcceptedBeforeTheElectorateIsSealed() public {
        add(0, 3);
        bytes32 context = keccak256(abi.encode(address(voting), voting.currentRoot(), uint32(1)));
        Attestation memory result =
            attestationOf(computationId(0), context, outputOf(votes, INVALID));
        refused(result, abi.encodeWithSelector(Voting.ElectorateNotSealed.selector));
        vm.expectRevert(Voting.ElectorateNotSealed.selector);
        voting.context();
        seal();
        publish(result);
    }

    function testFuzz_RefusesOutputsOfAnotherLength(bytes memory output) public {
        vm.assume(output.length != 128);
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        result.output = output;
        refused(result, abi.encodeWithSelector(QuartetApp.BadOutput.selector));
        result.output = bytes.concat(outputOf(votes, INVALID), hex"00");
        refused(result, abi.encodeWithSelector(QuartetApp.BadOutput.selector));
    }

    function testFuzz_RefusesCountsOfMoreThan64Bits(uint8 place, uint256 count) public {
        count = bound(count, uint256(type(uint64).max) + 1, type(uint256).max);
        ready();
        uint256[4] memory words = [uint256(1), 2, 3, 4];
        words[place % 4] = count;
        Attestation memory result = resultOf(0, votes, INVALID);
        result.output = abi.encode(words);
        refused(result, abi.encodeWithSelector(QuartetApp.BadOutput.selector));
    }

    /// @dev A rotation between signing and submitting: the new committee has to sign.
    function test_AfterARotationTheNewCommitteePublishes() public {
        ready();
        Attestation memory result = resultOf(0, votes, INVALID);
        bytes memory signatures = sign(result, 7);
        uint256[4] memory next = someKeys(0xb0b);
        address[4] memory nodes = addresses(next);
        committee.rotate(nodes, 7, sign(keys, committee.rotationDigest(nodes), 7));
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 2, 1));
        voting.submit(result, 7, signatures);
        keys = next;
        publish(resultOf(0, votes, INVALID));
        assertTally(votes, INVALID);
    }

    function ready() private {
        add(0, 3);
        add(1, 2);
        seal();
    }

    function publish(Attestation memory result) private {
        voting.submit(result, 7, sign(result, 7));
    }

    function refused(Attestation memory result, bytes memory why) private {
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(why);
        voting.submit(result, 7, signatures);
        vm.expectRevert(Voting.NotPublished.selector);
        voting.tally();
    }

    function refusedAsPublished(uint64 index) private {
        Attestation memory result = resultOf(index, [uint64(1), 2, 3], 4);
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(Voting.AlreadyPublished.selector);
        voting.submit(result, 7, signatures);
    }

    function assertTally(uint64[3] memory expected, uint64 invalid) private view {
        (uint64[3] memory actual, uint64 actualInvalid) = voting.tally();
        assertEq(abi.encode(actual), abi.encode(expected));
        assertEq(actualInvalid, invalid);
    }
}
