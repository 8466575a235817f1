// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {QuartetApp} from "../QuartetApp.sol";
import {Verifier} from "../Verifier.sol";

/// @title A lottery whose number four nodes draw, so that none of them and nobody else knows it
/// @notice Tickets are sold until a time. Then anybody may close the sale, which fixes a hash that
/// nobody could know before, and the L2 contract draws one number for that very sale. Whoever has
/// the ticket takes the prize. If no result comes, buyers take their money back.
contract Lottery is QuartetApp {
    /// @notice How long after the end of the sale buyers may take their money back, if nothing was
    /// drawn until then.
    uint64 public constant PATIENCE = 30 days;
    /// @notice The most tickets that are sold.
    uint256 public constant MAX_TICKETS = 1_000_000;

    /// @notice What a ticket costs, in wei.
    uint256 public immutable price;
    /// @notice End of the sale, in seconds since the Unix epoch.
    uint64 public immutable closes;

    /// @notice Owners of the tickets, by number.
    address[] public tickets;
    /// @notice What nobody could know before the sale was closed; zero until then.
    bytes32 public closing;
    /// @notice Whose ticket was drawn; zero until then.
    address public winner;
    /// @notice Whether the prize was taken.
    bool public paid;

    /// @notice A ticket was sold.
    event TicketSold(uint256 indexed ticket, address indexed buyer);
    /// @notice The sale is closed: this is what the L2 contract must draw for.
    event SaleClosed(uint64 tickets, bytes32 closing, bytes32 context);
    /// @notice This ticket wins, for good.
    event Won(uint256 indexed ticket, address indexed winner, bytes32 computationId);
    /// @notice The winner has the prize.
    event Paid(address indexed winner, uint256 prize);
    /// @notice A buyer has their money back.
    event Refunded(address indexed buyer, uint256 amount);

    /// @notice A lottery needs a price, and an end that is to come.
    error BadTerms();
    /// @notice The sale has ended.
    error SaleEnded();
    /// @notice The sale ends at this time.
    error SaleOpen(uint64 closes);
    /// @notice A ticket costs this.
    error WrongPrice(uint256 expected, uint256 actual);
    /// @notice All tickets are sold.
    error SoldOut();
    /// @notice No ticket was sold, so there is nothing to draw.
    error NoTickets();
    /// @notice The sale is closed already.
    error AlreadyClosed();
    /// @notice The sale is not closed yet, so nothing could have been drawn for it.
    error NotClosed();
    /// @notice A ticket was drawn.
    error AlreadyDrawn();
    /// @notice Buyers may take their money back, so no result is taken any more.
    error TooLate();
    /// @notice Only the winner takes the prize, and once.
    error NoPrize();
    /// @notice There is nothing to pay back to this sender, or not yet.
    error NoRefund();
    /// @notice The receiver does not take the money.
    error NotTaken();

    constructor(
        Verifier verifier_,
        uint64 l2ChainId_,
        address l2Contract_,
        bytes32 codeHash_,
        uint256 price_,
        uint64 closes_
    ) QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_) {
        if (price_ == 0 || closes_ <= block.timestamp) revert BadTerms();
        price = price_;
        closes = closes_;
    }

    /// @notice Buys a ticket.
    function buy() external payable returns (uint256 ticket) {
        if (block.timestamp >= closes) revert SaleEnded();
        if (msg.value != price) revert WrongPrice(price, msg.value);
        ticket = tickets.length;
        if (ticket == MAX_TICKETS) revert SoldOut();
        tickets.push(msg.sender);
        emit TicketSold(ticket, msg.sender);
    }

    /// @notice Closes the sale. The hash of the last block is not what chances depend on; it only
    /// keeps everybody from asking for the draw before the sale has ended.
    function close() external {
        if (block.timestamp < closes) revert SaleOpen(closes);
        if (closing != 0) revert AlreadyClosed();
        if (tickets.length == 0) revert NoTickets();
        closing = keccak256(abi.encode(address(this), blockhash(block.number - 1)));
        emit SaleClosed(uint64(tickets.length), closing, context());
    }

    /// @notice What the L2 contract must fix when it starts the draw.
    function context() public view returns (bytes32) {
        if (closing == 0) revert NotClosed();
        return keccak256(abi.encode(address(this), uint64(tickets.length), closing));
    }

    /// @notice How many tickets were sold.
    function sold() external view returns (uint256) {
        return tickets.length;
    }

    /// @notice Pays the prize to the winner.
    function claim() external {
        if (msg.sender != winner || paid) revert NoPrize();
        paid = true;
        uint256 prize = address(this).balance;
        emit Paid(msg.sender, prize);
        _send(msg.sender, prize);
    }

    /// @notice Pays a ticket back to its buyer, if nothing was drawn for too long.
    /// @param ticket its number
    function refund(uint256 ticket) external {
        if (winner != address(0) || block.timestamp < closes + PATIENCE) revert NoRefund();
        if (ticket >= tickets.length || tickets[ticket] != msg.sender) revert NoRefund();
        tickets[ticket] = address(0);
        emit Refunded(msg.sender, price);
        _send(msg.sender, price);
    }

    function _send(address to, uint256 amount) private {
        (bool taken,) = to.call{value: amount}("");
        if (!taken) revert NotTaken();
    }

    function _context() internal view override returns (bytes32) {
        if (winner != address(0)) revert AlreadyDrawn();
        if (block.timestamp >= closes + PATIENCE) revert TooLate();
        return context();
    }

    function _onResult(bytes32 computationId, bytes calldata output) internal override {
        if (output.length != 32) revert BadOutput();
        uint256 ticket = abi.decode(output, (uint256));
        if (ticket >= tickets.length) revert BadOutput();
        winner = tickets[ticket];
        emit Won(ticket, winner, computationId);
    }
}
