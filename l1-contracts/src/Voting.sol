// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IncrementalTree} from "./IncrementalTree.sol";
import {QuartetApp} from "./QuartetApp.sol";
import {Verifier} from "./Verifier.sol";

/// @title A poll among a list of voters, counted in secret
/// @notice Its opener names the voters, batch by batch, and then seals the list for good. From then
/// on nobody has any power over it: it publishes, once, the tally that three nodes signed, which
/// its L2 contract computed for this very poll over this very list.
contract Voting is QuartetApp {
    using IncrementalTree for IncrementalTree.Frontier;

    /// @notice How many choices the poll has.
    uint256 public constant CHOICES = 3;
    /// @notice The most voters that one batch may have.
    uint256 public constant MAX_BATCH = 500;

    /// @notice How far a poll has got.
    enum Phase {
        /// The opener adds voters.
        Open,
        /// The list is final; a result is awaited.
        Sealed,
        /// The tally is final.
        Published
    }

    /// @notice Who may name voters, until the list is sealed.
    address public immutable opener;
    /// @notice End of voting in seconds since the Unix epoch, for readers: the L2 contract, to
    /// which it was given too, keeps it by the clock of the L2.
    uint64 public immutable closes;
    /// @notice What is asked.
    string public question;

    /// @notice Root of the tree over all batches of voters; zero until the list is sealed.
    bytes32 public treeRoot;
    /// @notice How many batches of voters there are.
    uint32 public batchCount;
    /// @notice How far this poll has got.
    Phase public phase;
    /// @dev The first 27 bytes of the id of the computation whose result was published. They share
    /// a slot with what `submit` reads and writes anyway, which saves 17,000 gas.
    bytes27 private _publishedId;
    /// @dev 64 bits for the votes of each choice, from the lowest up, and 64 for invalid ballots.
    uint256 private _counts;
    IncrementalTree.Frontier private _frontier;

    /// @notice These voters are the batch with this index, counted from 0.
    event VotersAdded(uint32 indexed index, address[] voters);
    /// @notice The list is final.
    event ElectorateSealed(bytes32 treeRoot, uint32 batchCount, bytes32 context);
    /// @notice The result of the poll, for good.
    event TallyPublished(uint64[CHOICES] votes, uint64 invalid, bytes32 computationId);

    /// @notice Only the opener may name voters and seal the list.
    error NotOpener(address sender);
    /// @notice The list is sealed already.
    error AlreadySealed();
    /// @notice A batch has no voters.
    error EmptyBatch();
    /// @notice A batch has more than `MAX_BATCH` voters.
    error BatchTooLarge(uint256 actual);
    /// @notice There is no place for another batch.
    error ElectorateFull();
    /// @notice A list without voters cannot be sealed.
    error EmptyElectorate();
    /// @notice The list is not sealed yet, so there is nothing that a result could be of.
    error ElectorateNotSealed();
    /// @notice Another computation's result was published.
    error AlreadyPublished();
    /// @notice There is no tally yet.
    error NotPublished();

    modifier whileOpen() {
        if (msg.sender != opener) revert NotOpener(msg.sender);
        if (phase != Phase.Open) revert AlreadySealed();
        _;
    }

    constructor(
        Verifier verifier_,
        uint64 l2ChainId_,
        address l2Contract_,
        bytes32 codeHash_,
        string memory question_,
        uint64 closes_
    ) QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_) {
        opener = msg.sender;
        question = question_;
        closes = closes_;
    }

    /// @notice Adds a batch of at most `MAX_BATCH` voters. Who is named more than once, in this batch
    /// or others, has as many votes. The list itself is only in the event; here remains what its root
    /// needs.
    /// @dev The leaf is `keccak256(abi.encode(index, keccak256(abi.encodePacked(voters))))`, where
    /// packing gives each voter 32 bytes, as Solidity does for elements of arrays.
    function addVoters(address[] calldata voters) external whileOpen {
        if (voters.length == 0) revert EmptyBatch();
        if (voters.length > MAX_BATCH) revert BatchTooLarge(voters.length);
        uint32 index = batchCount;
        if (index == IncrementalTree.MAX_LEAVES) revert ElectorateFull();

        bytes32 leaf = keccak256(abi.encode(index, keccak256(abi.encodePacked(voters))));
        _frontier.insert(index + 1, leaf);
        batchCount = index + 1;
        emit VotersAdded(index, voters);
    }

    /// @notice Makes the list final. No result is taken before.
    function sealElectorate() external whileOpen {
        uint32 batches = batchCount;
        if (batches == 0) revert EmptyElectorate();
        treeRoot = _frontier.root(batches);
        phase = Phase.Sealed;
        emit ElectorateSealed(treeRoot, batches, context());
    }

    /// @notice The root over the batches so far; once the list is sealed, `treeRoot`.
    function currentRoot() external view returns (bytes32) {
        return _frontier.root(batchCount);
    }

    /// @notice What the L2 contract must fix when it starts the count.
    function context() public view returns (bytes32) {
        if (phase == Phase.Open) revert ElectorateNotSealed();
        return keccak256(abi.encode(address(this), treeRoot, batchCount));
    }

    /// @notice The result of the poll.
    /// @return votes how many votes each choice got
    /// @return invalid how many votes named none of the choices
    function tally() external view returns (uint64[CHOICES] memory votes, uint64 invalid) {
        if (phase != Phase.Published) revert NotPublished();
        uint256 counts = _counts;
        votes = [uint64(counts), uint64(counts >> 64), uint64(counts >> 128)];
        invalid = uint64(counts >> 192);
    }

    /// @inheritdoc QuartetApp
    function accepted(bytes32 computationId) public view override returns (bool) {
        return phase == Phase.Published && _publishedId == bytes27(computationId);
    }

    function _accept(bytes32 computationId) internal override {
        phase = Phase.Published;
        _publishedId = bytes27(computationId);
    }

    function _context() internal view override returns (bytes32) {
        if (phase == Phase.Published) revert AlreadyPublished();
        return context();
    }

    function _onResult(bytes32 computationId, bytes calldata output) internal override {
        if (output.length != 32 * (CHOICES + 1)) revert BadOutput();
        (uint256 first, uint256 second, uint256 third, uint256 invalid) =
            abi.decode(output, (uint256, uint256, uint256, uint256));
        if ((first | second | third | invalid) >> 64 != 0) revert BadOutput();
        _counts = first | second << 64 | third << 128 | invalid << 192;
        emit TallyPublished(
            [uint64(first), uint64(second), uint64(third)], uint64(invalid), computationId
        );
    }
}
