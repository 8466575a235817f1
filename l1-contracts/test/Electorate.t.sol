// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IncrementalTree} from "../src/IncrementalTree.sol";
import {Voting} from "../src/Voting.sol";
import {VotingFixture} from "./VotingFixture.sol";

contract ElectorateTest is VotingFixture {
    function test_KnowsWhatItIsAbout() public view {
        assertEq(voting.opener(), OPENER);
        assertEq(voting.question(), "Which?");
        assertEq(voting.closes(), 1_800_000_000);
        assertEq(voting.batchCount(), 0);
        assertEq(voting.treeRoot(), 0);
        assertEq(voting.currentRoot(), rootOf(new bytes32[](0)));
        assertEq(uint8(voting.phase()), uint8(Voting.Phase.Open));
    }

    function testFuzz_TheRootIsThatOfTheWholeTree(uint256 seed, uint8 count) public {
        uint32 batches = uint32(bound(count, 1, 40));
        bytes32[] memory leaves = new bytes32[](batches);
        for (uint32 i = 0; i < batches; ++i) {
            address[] memory list =
                voters(uint256(keccak256(abi.encode(seed, i))), 1 + (seed >> i) % 4);
            leaves[i] = leafOf(i, list);
            vm.expectEmit(address(voting));
            emit Voting.VotersAdded(i, list);
            vm.prank(OPENER);
            voting.addVoters(list);
        }
        bytes32 root = rootOf(leaves);
        bytes32 context = keccak256(abi.encode(address(voting), root, batches));
        assertEq(voting.currentRoot(), root);
        vm.expectEmit(address(voting));
        emit Voting.ElectorateSealed(root, batches, context);
        seal();
        assertEq(voting.treeRoot(), root);
        assertEq(voting.currentRoot(), root);
        assertEq(voting.context(), context);
        assertEq(voting.batchCount(), batches);
    }

    function testFuzz_EveryVoterAndPlaceMatters(uint8 place, address other) public {
        address[] memory list = voters(7, 5);
        vm.assume(other != list[place % 5]);
        add(6, 2);
        uint256 before = vm.snapshotState();
        add(7, 5);
        bytes32 root = voting.currentRoot();
        vm.revertToState(before);
        list[place % 5] = other;
        vm.prank(OPENER);
        voting.addVoters(list);
        assertNotEq(voting.currentRoot(), root);
    }

    function test_OnlyTheOpenerNamesVoters() public {
        address[] memory list = voters(0, 1);
        add(1, 1);
        vm.expectRevert(abi.encodeWithSelector(Voting.NotOpener.selector, address(this)));
        voting.addVoters(list);
        vm.expectRevert(abi.encodeWithSelector(Voting.NotOpener.selector, address(this)));
        voting.sealElectorate();
    }

    function test_ASealedListIsFinalForTheOpenerToo() public {
        add(0, 1);
        seal();
        address[] memory list = voters(1, 1);
        vm.startPrank(OPENER);
        vm.expectRevert(Voting.AlreadySealed.selector);
        voting.addVoters(list);
        vm.expectRevert(Voting.AlreadySealed.selector);
        voting.sealElectorate();
    }

    function test_BatchesAreNeitherEmptyNorTooLarge() public {
        address[] memory list = voters(0, 501);
        vm.startPrank(OPENER);
        vm.expectRevert(Voting.EmptyBatch.selector);
        voting.addVoters(new address[](0));
        vm.expectRevert(abi.encodeWithSelector(Voting.BatchTooLarge.selector, 501));
        voting.addVoters(list);
        vm.stopPrank();
        add(0, 500);
        assertEq(voting.batchCount(), 1);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = leafOf(0, voters(0, 500));
        assertEq(voting.currentRoot(), rootOf(leaves));
    }

    function test_AListWithoutVotersCannotBeSealed() public {
        vm.prank(OPENER);
        vm.expectRevert(Voting.EmptyElectorate.selector);
        voting.sealElectorate();
    }

    /// @dev An address of more than 160 bits would give a leaf that nobody else computes.
    function test_AnAddressWithMoreBitsIsRefused() public {
        bytes memory data = abi.encodeCall(Voting.addVoters, (voters(0, 2)));
        data[4 + 32 + 32 + 11] = 0x01;
        vm.prank(OPENER);
        (bool success,) = address(voting).call(data);
        assertFalse(success);
        assertEq(voting.batchCount(), 0);
    }
}

/// @title The tree itself, up to its last leaf
contract IncrementalTreeTest is VotingFixture {
    using IncrementalTree for IncrementalTree.Frontier;

    IncrementalTree.Frontier private frontier;

    function test_EverySizeUpTo70() public {
        bytes32[] memory leaves = new bytes32[](0);
        for (uint256 size = 1; size <= 70; ++size) {
            bytes32[] memory more = new bytes32[](size);
            for (uint256 i = 0; i + 1 < size; ++i) {
                more[i] = leaves[i];
            }
            more[size - 1] = keccak256(abi.encode(size));
            leaves = more;
            frontier.insert(size, leaves[size - 1]);
            assertEq(frontier.root(size), rootOf(leaves));
        }
    }

    /// @dev With all leaves equal, every complete subtree of a level is the same, so the frontier
    /// of a nearly full tree can be written down.
    function test_TheLastLeafHasItsPlace() public {
        bytes32 leaf = keccak256("leaf");
        bytes32 subtree = leaf;
        bytes32 last = 0;
        for (uint256 level = 0; level < IncrementalTree.DEPTH; ++level) {
            frontier.nodes[level] = subtree;
            // The right edge: one leaf is missing from a full tree.
            last = level == 0
                ? keccak256(abi.encode(leaf, bytes32(0)))
                : keccak256(abi.encode(subtree, last));
            subtree = keccak256(abi.encode(subtree, subtree));
        }
        frontier.insert(IncrementalTree.MAX_LEAVES, leaf);
        assertEq(frontier.root(IncrementalTree.MAX_LEAVES), last);
    }

    function test_AFullListTakesNoFurtherBatch() public {
        add(0, 1);
        // batchCount shares its slot with the phase.
        bytes32 slot = bytes32(uint256(3));
        assertEq(uint256(vm.load(address(voting), slot)), 1);
        vm.store(address(voting), slot, bytes32(IncrementalTree.MAX_LEAVES - 1));
        assertEq(voting.batchCount(), IncrementalTree.MAX_LEAVES - 1);
        add(1, 1);
        vm.prank(OPENER);
        vm.expectRevert(Voting.ElectorateFull.selector);
        voting.addVoters(voters(2, 1));
    }
}
