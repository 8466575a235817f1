// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Attestation} from "../src/Types.sol";
import {Voting} from "../src/Voting.sol";
import {VotingFixture} from "./VotingFixture.sol";

/// @title Everybody who could touch a poll: opener, committee, relayers, and whoever else
/// @dev Each action knows from its own bookkeeping whether it must succeed, and fails the run when
/// the contract disagrees. `fail_on_revert` makes any other revert a failure too.
contract Everybody is VotingFixture {
    uint256[4] private _old;
    uint64 public epoch = 1;
    uint256 public accepted;
    uint256 public batches;
    bool public closed;
    bytes32 public root;
    bytes32 public acceptedId;
    bytes public published;
    bytes32[] private _leaves;
    Attestation private _last;
    bytes private _lastSignatures;
    uint8 private _lastBitmap;

    constructor() {
        super.setUp();
        _old = someKeys(0xdead);
        // Half the runs would otherwise end without a list.
        openerAdds(1);
    }

    function setUp() public override {}

    function poll() external view returns (Voting) {
        return voting;
    }

    function leaves() external view returns (bytes32) {
        return rootOf(_leaves);
    }

    function committeeNodes() external view returns (address[4] memory actual, address[4] memory) {
        return (committee.nodes(), addresses(keys));
    }

    function openerAdds(uint256 count) public {
        address[] memory list = voters(batches + 1, count % 6);
        bool ok = attempt(OPENER, abi.encodeCall(Voting.addVoters, (list)));
        assertEq(ok, !closed && list.length != 0);
        if (!ok) return;
        _leaves.push(leafOf(uint32(batches), list));
        ++batches;
    }

    function openerSeals(uint256 unlikely) external {
        if (unlikely % 4 != 0) return;
        bool ok = attempt(OPENER, abi.encodeCall(Voting.sealElectorate, ()));
        assertEq(ok, !closed);
        if (!ok) return;
        closed = true;
        root = voting.treeRoot();
    }

    function strangerMeddles(address stranger, uint256 count) external {
        if (stranger == OPENER) return;
        assertFalse(attempt(stranger, abi.encodeCall(Voting.sealElectorate, ())));
        address[] memory list = voters(0, 1 + count % 3);
        assertFalse(attempt(stranger, abi.encodeCall(Voting.addVoters, (list))));
    }

    function threeSign(address sender, uint64 index, uint64[3] memory votes, uint8 quorum)
        external
    {
        Attestation memory result = resultAny(index, votes);
        submit(sender, result, quorums[quorum % 4], signBy(keys, result, quorums[quorum % 4]), true);
    }

    function threeSignButItIsAltered(uint64 index, uint64[3] memory votes, uint256 field) external {
        Attestation memory result = resultAny(index, votes);
        bytes memory signatures = signBy(keys, result, 7);
        alter(result, field);
        submit(address(1), result, 7, signatures, false);
    }

    /// @dev For another target, poll or epoch, and properly signed.
    function threeSignForAnother(uint64 index, uint64[3] memory votes, uint256 field) external {
        Attestation memory result = resultAny(index, votes);
        field %= 5;
        if (field == 0) result.l2ChainId ^= 1;
        if (field == 1) result.l2Contract = address(0xbeef);
        if (field == 2) result.codeHash ^= bytes32(uint256(1));
        if (field == 3) result.context ^= bytes32(uint256(1));
        if (field == 4) result.epoch ^= 1;
        submit(address(2), result, 7, signBy(keys, result, 7), false);
    }

    function twoSign(uint64 index, uint64[3] memory votes, uint8 bitmap, uint8 filler) external {
        Attestation memory result = resultAny(index, votes);
        uint256[4] memory with = keys;
        uint8 quorum = quorums[bitmap % 4];
        // One of the three places is another's: a stranger's, or a second one of a signer.
        uint8 place = filler % 4;
        if (quorum >> place & 1 == 0) place = (place + 1) % 4;
        with[place] = filler & 16 == 0 ? 0xbad : keys[(place + 1) % 4];
        submit(address(3), result, quorum, signBy(with, result, quorum), false);
        submit(address(3), result, bitmap, signBy(keys, result, 3), false);
    }

    function theOldCommitteeSigns(uint64 index, uint64[3] memory votes) external {
        Attestation memory result = resultAny(index, votes);
        submit(address(4), result, 7, signBy(_old, result, 7), false);
        result.epoch = epoch - 1;
        submit(address(4), result, 7, signBy(_old, result, 7), false);
    }

    function sendsTheLastAgain(address sender) external {
        if (accepted == 0) return;
        submit(sender, _last, _lastBitmap, _lastSignatures, false);
    }

    function rotates(uint256 seed, bool honest) external {
        uint256[4] memory next = someKeys(bound(seed, 1, type(uint128).max));
        address[4] memory nodes = addresses(next);
        uint256[4] memory signers = honest ? keys : _old;
        bytes memory signatures = sign(signers, committee.rotationDigest(nodes), 11);
        if (!honest) vm.expectRevert();
        committee.rotate(nodes, 11, signatures);
        if (!honest) return;
        _old = keys;
        keys = next;
        ++epoch;
    }

    function submit(
        address sender,
        Attestation memory result,
        uint8 bitmap,
        bytes memory signatures,
        bool signed
    ) private {
        bytes memory data = abi.encodeCall(voting.submit, (result, bitmap, signatures));
        bool ok = attempt(sender, data);
        assertEq(ok, signed && closed && accepted == 0);
        if (!ok) return;
        ++accepted;
        acceptedId = result.computationId;
        published = result.output;
        (_last, _lastBitmap, _lastSignatures) = (result, bitmap, signatures);
    }

    function attempt(address sender, bytes memory data) private returns (bool ok) {
        vm.prank(sender);
        (ok,) = address(voting).call(data);
    }

    function signBy(uint256[4] memory by, Attestation memory result, uint8 bitmap)
        private
        view
        returns (bytes memory)
    {
        return sign(by, verifier.attestationDigest(result), bitmap);
    }

    function resultAny(uint64 index, uint64[3] memory votes)
        private
        view
        returns (Attestation memory)
    {
        bytes32 context = closed
            ? voting.context()
            : keccak256(abi.encode(address(voting), rootOf(_leaves), uint32(batches)));
        return attestationOf(computationId(index % 3), context, outputOf(votes, index));
    }

    function alter(Attestation memory result, uint256 field) private pure {
        field %= 4;
        if (field == 0) result.computationId ^= bytes32(uint256(1));
        if (field == 1) result.programHash ^= bytes32(uint256(1));
        if (field == 2) result.inputCount ^= 1;
        if (field == 3) result.output[31] ^= 0x01;
    }
}

contract InvariantsTest is VotingFixture {
    Everybody private everybody;

    function setUp() public override {
        everybody = new Everybody();
        voting = everybody.poll();
        targetContract(address(everybody));
        bytes4[] memory none = new bytes4[](1);
        none[0] = Everybody.setUp.selector;
        excludeSelector(FuzzSelector(address(everybody), none));
    }

    /// @dev What was published is what was accepted first, whatever came after.
    function invariant_TheTallyIsTheOneAcceptedResult() public {
        assertLe(everybody.accepted(), 1);
        bool published = everybody.accepted() == 1;
        assertEq(voting.phase() == Voting.Phase.Published, published);
        if (!published) {
            vm.expectRevert(Voting.NotPublished.selector);
            voting.tally();
            return;
        }
        (uint64[3] memory votes, uint64 invalid) = voting.tally();
        assertEq(abi.encode(votes, invalid), everybody.published());
        assertTrue(voting.accepted(everybody.acceptedId()));
    }

    function invariant_ASealedElectorateStays() public view {
        assertEq(voting.batchCount(), everybody.batches());
        assertEq(voting.currentRoot(), everybody.leaves());
        assertEq(voting.treeRoot(), everybody.root());
        if (everybody.closed()) assertEq(voting.treeRoot(), everybody.leaves());
    }

    function invariant_OnlyTheCommitteeChangesTheCommittee() public view {
        assertEq(voting.verifier().committee().epoch(), everybody.epoch());
        (address[4] memory actual, address[4] memory expected) = everybody.committeeNodes();
        assertEq(abi.encode(actual), abi.encode(expected));
    }
}
