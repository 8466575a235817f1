// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {QuartetApp} from "../src/QuartetApp.sol";
import {Attestation} from "../src/Types.sol";
import {Verifier} from "../src/Verifier.sol";
import {Fixture} from "./Fixture.sol";
import {
    DayReport,
    Lot,
    Order,
    OrderBookCloseDayApp,
    OrderBookSpreadApp,
    OrderBookTotalApp
} from "./generated/OrderBookApp.sol";
import {Tally, VotingApp} from "./generated/VotingApp.sol";

/// @dev Of the cheats that forge has and this forge-std does not name yet.
interface Eip712Cheats {
    function eip712HashStruct(string calldata definition, bytes calldata encoded)
        external
        pure
        returns (bytes32);
}

contract Votes is VotingApp {
    Tally public last;
    bytes32 public lastId;

    constructor(Verifier verifier_, uint64 chain, address from, bytes32 code)
        VotingApp(verifier_, chain, from, code)
    {}

    function votes() external view returns (uint64[3] memory) {
        return last.votes;
    }

    function hash(Tally memory tally) external pure returns (bytes32) {
        return _hashTally(tally);
    }

    function _context() internal pure override returns (bytes32) {
        return "poll";
    }

    function _onTally(bytes32 computationId, Tally memory tally) internal override {
        last = tally;
        lastId = computationId;
    }
}

contract Day is OrderBookCloseDayApp {
    bytes public last;

    constructor(Verifier verifier_, uint64 chain, address from, bytes32 code)
        OrderBookCloseDayApp(verifier_, chain, from, code)
    {}

    function hash(DayReport memory report) external pure returns (bytes32) {
        return _hashDayReport(report);
    }

    function _context() internal pure override returns (bytes32) {
        return "day";
    }

    function _onCloseDay(bytes32, DayReport memory dayReport) internal override {
        last = abi.encode(dayReport);
    }
}

contract Total is OrderBookTotalApp {
    uint64 public last;

    constructor(Verifier verifier_, uint64 chain, address from, bytes32 code)
        OrderBookTotalApp(verifier_, chain, from, code)
    {}

    function _context() internal pure override returns (bytes32) {
        return "total";
    }

    function _onTotal(bytes32, uint64 total) internal override {
        last = total;
    }
}

contract Spread is OrderBookSpreadApp {
    int64[3] public last;

    constructor(Verifier verifier_, uint64 chain, address from, bytes32 code)
        OrderBookSpreadApp(verifier_, chain, from, code)
    {}

    function _context() internal pure override returns (bytes32) {
        return "spread";
    }

    function _onSpread(bytes32, int64[3] memory spread) internal override {
        last = spread;
    }
}

/// @title What `quartet contract build` makes of results takes them, and nothing else
contract GeneratedTest is Fixture {
    function _submit(QuartetApp app, bytes32 context, bytes memory output) private {
        Attestation memory result = attestationOf(computationId(1), context, output);
        bytes memory signatures = sign(result, 7);
        app.submit(result, 7, signatures);
    }

    function _refused(QuartetApp app, bytes32 context, bytes memory output) private {
        Attestation memory result = attestationOf(computationId(2), context, output);
        bytes memory signatures = sign(result, 7);
        vm.expectRevert();
        app.submit(result, 7, signatures);
    }

    function _cheats() private pure returns (Eip712Cheats) {
        return Eip712Cheats(address(vm));
    }

    function testFuzz_AResultArrivesAsItsStruct(uint64[3] memory votes, uint64 invalid) public {
        Votes app = new Votes(verifier, L2_CHAIN, L2_CONTRACT, CODE);
        _submit(app, "poll", abi.encode(Tally(votes, invalid)));
        assertEq(app.last(), invalid);
        assertEq(abi.encode(app.votes()), abi.encode(votes));
        assertEq(app.lastId(), computationId(1));
    }

    function test_AnotherOutputIsRefused() public {
        Votes app = new Votes(verifier, L2_CHAIN, L2_CONTRACT, CODE);
        bytes memory good = abi.encode(Tally([uint64(1), 2, 3], 4));
        _refused(app, "poll", "");
        _refused(app, "poll", slice(good, 0, 127));
        _refused(app, "poll", bytes.concat(good, bytes1(0)));
        _refused(app, "poll", abi.encode(1, 2, 3, uint256(type(uint64).max) + 1));
        _submit(app, "poll", good);
    }

    function testFuzz_TheHashIsThatOfEip712(uint64[3] memory votes, uint64 invalid) public {
        Votes app = new Votes(verifier, L2_CHAIN, L2_CONTRACT, CODE);
        Tally memory tally = Tally(votes, invalid);
        bytes32 expected = _cheats().eip712HashStruct(
            "Tally(uint64[3] votes,uint64 invalid)", abi.encode(tally)
        );
        assertEq(app.hash(tally), expected);
    }

    function testFuzz_StructsWithinStructs(uint64 price, bool sold, int32 cell, int128 mean)
        public
    {
        DayReport memory report;
        report.mean = mean;
        report.case_ = 7;
        report.flags[2] = sold;
        report.c = 9;
        report.lots[0].best = Order(price, sold);
        report.lots[1].orders[1] = Order(3, !sold);
        report.lots[1].grid[2][1] = cell;

        Day app = new Day(verifier, L2_CHAIN, L2_CONTRACT, CODE);
        _submit(app, "day", abi.encode(report));
        assertEq(app.last(), abi.encode(report));
        bytes32 expected = _cheats().eip712HashStruct(
            "DayReport(Lot[2] lots,uint8 case_,int128 mean,bool[4] flags,uint8 a,uint16 b,uint32 c)"
            "Lot(Order best,Order[2] orders,int32[2][3] grid)Order(uint64 price,bool sold)",
            abi.encode(report)
        );
        assertEq(app.hash(report), expected);
    }

    function test_ResultsWithoutAStruct() public {
        Total total = new Total(verifier, L2_CHAIN, L2_CONTRACT, CODE);
        _submit(total, "total", abi.encode(uint64(42)));
        assertEq(total.last(), 42);
        _refused(total, "total", abi.encode(uint256(1) << 64));
        Spread spread = new Spread(verifier, L2_CHAIN, L2_CONTRACT, CODE);
        _submit(spread, "spread", abi.encode([int64(-1), 0, 1]));
        assertEq(spread.last(0), -1);
    }
}
