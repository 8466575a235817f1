// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {QuartetApp} from "../src/QuartetApp.sol";
import {Attestation} from "../src/Types.sol";
import {Lottery} from "../src/examples/Lottery.sol";
import {Fixture} from "./Fixture.sol";

contract LotteryTest is Fixture {
    uint256 private constant PRICE = 0.1 ether;
    uint64 private constant CLOSES = 1_800_000_000;

    Lottery private lottery;
    address private ada = makeAddr("ada");
    address private ben = makeAddr("ben");

    function setUp() public override {
        super.setUp();
        vm.warp(CLOSES - 1 days);
        vm.roll(100);
        lottery = new Lottery(verifier, L2_CHAIN, L2_CONTRACT, CODE, PRICE, CLOSES);
        vm.deal(ada, 10 ether);
        vm.deal(ben, 10 ether);
    }

    function buy(address buyer) private {
        vm.prank(buyer);
        lottery.buy{value: PRICE}();
    }

    /// @dev Tickets 0 and 2 are ada's, ticket 1 is ben's.
    function sold() private {
        buy(ada);
        buy(ben);
        buy(ada);
        vm.warp(CLOSES);
        lottery.close();
    }

    function drawn(uint64 index, uint256 ticket) private view returns (Attestation memory) {
        return attestationOf(computationId(index), lottery.context(), abi.encode(ticket));
    }

    function submit(Attestation memory result) private {
        lottery.submit(result, 7, sign(result, 7));
    }

    function test_TheWinnerTakesThePrizeOnce() public {
        sold();
        submit(drawn(0, 1));
        assertEq(lottery.winner(), ben);
        vm.prank(ada);
        vm.expectRevert(Lottery.NoPrize.selector);
        lottery.claim();
        vm.prank(ben);
        lottery.claim();
        assertEq(ben.balance, 10 ether - PRICE + 3 * PRICE);
        vm.prank(ben);
        vm.expectRevert(Lottery.NoPrize.selector);
        lottery.claim();
    }

    function test_NothingIsDrawnTwice() public {
        sold();
        Attestation memory second = drawn(1, 0);
        submit(drawn(0, 1));
        bytes memory signatures = sign(second, 7);
        vm.expectRevert(Lottery.AlreadyDrawn.selector);
        lottery.submit(second, 7, signatures);
    }

    function test_NoResultBeforeTheSaleIsClosed() public {
        buy(ada);
        Attestation memory early = attestationOf(computationId(0), 0, abi.encode(0));
        bytes memory signatures = sign(early, 7);
        vm.expectRevert(Lottery.NotClosed.selector);
        lottery.submit(early, 7, signatures);
    }

    /// @dev A draw for another number of tickets, or one that was asked for before the closing was
    /// known, has another context.
    function testFuzz_NoResultForAnotherSale(uint64 tickets, bytes32 closing) public {
        sold();
        vm.assume(tickets != 3 || closing != lottery.closing());
        bytes32 other = keccak256(abi.encode(address(lottery), tickets, closing));
        Attestation memory result = attestationOf(computationId(0), other, abi.encode(0));
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(
            abi.encodeWithSelector(QuartetApp.WrongContext.selector, lottery.context(), other)
        );
        lottery.submit(result, 7, signatures);
    }

    function testFuzz_NoTicketThatWasNotSold(uint256 ticket) public {
        sold();
        Attestation memory result = drawn(0, bound(ticket, 3, type(uint256).max));
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(QuartetApp.BadOutput.selector);
        lottery.submit(result, 7, signatures);
    }

    function test_SellsAtThePriceUntilTheEnd() public {
        vm.prank(ada);
        vm.expectRevert(abi.encodeWithSelector(Lottery.WrongPrice.selector, PRICE, PRICE - 1));
        lottery.buy{value: PRICE - 1}();
        vm.expectRevert(abi.encodeWithSelector(Lottery.SaleOpen.selector, CLOSES));
        lottery.close();
        vm.warp(CLOSES);
        vm.prank(ada);
        vm.expectRevert(Lottery.SaleEnded.selector);
        lottery.buy{value: PRICE}();
        vm.expectRevert(Lottery.NoTickets.selector);
        lottery.close();
    }

    function test_ClosesOnce() public {
        sold();
        vm.expectRevert(Lottery.AlreadyClosed.selector);
        lottery.close();
    }

    function test_MoneyComesBackIfNothingIsDrawn() public {
        sold();
        vm.prank(ada);
        vm.expectRevert(Lottery.NoRefund.selector);
        lottery.refund(0);
        vm.warp(CLOSES + lottery.PATIENCE());
        Attestation memory late = drawn(0, 1);
        bytes memory signatures = sign(late, 7);
        vm.expectRevert(Lottery.TooLate.selector);
        lottery.submit(late, 7, signatures);
        vm.startPrank(ada);
        vm.expectRevert(Lottery.NoRefund.selector);
        lottery.refund(1);
        lottery.refund(0);
        lottery.refund(2);
        vm.expectRevert(Lottery.NoRefund.selector);
        lottery.refund(0);
        vm.stopPrank();
        assertEq(ada.balance, 10 ether);
        assertEq(address(lottery).balance, PRICE);
    }

    function test_TermsMakeSense() public {
        vm.expectRevert(Lottery.BadTerms.selector);
        new Lottery(verifier, L2_CHAIN, L2_CONTRACT, CODE, 0, CLOSES);
        uint64 past = uint64(block.timestamp);
        vm.expectRevert(Lottery.BadTerms.selector);
        new Lottery(verifier, L2_CHAIN, L2_CONTRACT, CODE, PRICE, past);
    }
}
