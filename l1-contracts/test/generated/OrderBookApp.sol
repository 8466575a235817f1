// SPDX-License-Identifier: MIT OR Apache-2.0
// Made from the confidential contract order_book by `quartet contract build`: inherit from it, and
// let the next build overwrite it.
pragma solidity ^0.8.24;

import {QuartetApp} from "../../src/QuartetApp.sol";
import {Verifier} from "../../src/Verifier.sol";

/// @notice What a day brought.
struct DayReport {
    Lot[2] lots;
    /// @dev Which rule
    /// ended it.
    uint8 case_;
    int128 mean;
    bool[4] flags;
    uint8 a;
    uint16 b;
    uint32 c;
}

struct Lot {
    Order best;
    Order[2] orders;
    int32[2][3] grid;
}

struct Order {
    uint64 price;
    bool sold;
}

/// @title Takes results of close_day of the confidential contract order_book
/// @notice Orders (at) night.
///
/// Second * / line.
abstract contract OrderBookCloseDayApp is QuartetApp {
    /// @dev EIP-712 type of DayReport.
    bytes32 internal constant DAY_REPORT_TYPEHASH =
        keccak256("DayReport(Lot[2] lots,uint8 case_,int128 mean,bool[4] flags,uint8 a,uint16 b,uint32 c)Lot(Order best,Order[2] orders,int32[2][3] grid)Order(uint64 price,bool sold)");

    /// @dev EIP-712 type of Lot.
    bytes32 internal constant LOT_TYPEHASH =
        keccak256("Lot(Order best,Order[2] orders,int32[2][3] grid)Order(uint64 price,bool sold)");

    /// @dev EIP-712 type of Order.
    bytes32 internal constant ORDER_TYPEHASH =
        keccak256("Order(uint64 price,bool sold)");

    /// @param verifier_ checks the nodes' signatures
    /// @param l2ChainId_ id of the L2 chain
    /// @param l2Contract_ address of the confidential contract on it
    /// @param codeHash_ keccak-256 of its code, as `quartet contract build` reports it
    constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_)
        QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_)
    {}

    /// @dev Takes a result that three nodes signed, once per computation.
    /// @dev Ends the day.
    /// @param computationId id of the computation
    /// @param dayReport What a day brought.
    function _onCloseDay(bytes32 computationId, DayReport memory dayReport) internal virtual;

    /// @inheritdoc QuartetApp
    function _onResult(bytes32 computationId, bytes calldata output) internal override {
        if (output.length != 1056) revert BadOutput();
        _onCloseDay(computationId, abi.decode(output, (DayReport)));
    }

    /// @dev The hash of a DayReport by EIP-712.
    function _hashDayReport(DayReport memory value) internal pure returns (bytes32) {
        return keccak256(
            bytes.concat(
                abi.encode(DAY_REPORT_TYPEHASH, _hashLotArray2(value.lots), value.case_, value.mean, keccak256(abi.encodePacked(value.flags)), value.a),
                abi.encode(value.b, value.c)
            )
        );
    }

    /// @dev The hash of a Lot by EIP-712.
    function _hashLot(Lot memory value) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(LOT_TYPEHASH, _hashOrder(value.best), _hashOrderArray2(value.orders), _hashint32Array2Array3(value.grid))
        );
    }

    function _hashLotArray2(Lot[2] memory values) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            hashes[i] = _hashLot(values[i]);
        }
        return keccak256(abi.encodePacked(hashes));
    }

    /// @dev The hash of a Order by EIP-712.
    function _hashOrder(Order memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORDER_TYPEHASH, value.price, value.sold));
    }

    function _hashOrderArray2(Order[2] memory values) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            hashes[i] = _hashOrder(values[i]);
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _hashint32Array2Array3(int32[2][3] memory values) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            hashes[i] = keccak256(abi.encodePacked(values[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}

/// @title Takes results of total of the confidential contract order_book
/// @notice Orders (at) night.
///
/// Second * / line.
abstract contract OrderBookTotalApp is QuartetApp {
    /// @param verifier_ checks the nodes' signatures
    /// @param l2ChainId_ id of the L2 chain
    /// @param l2Contract_ address of the confidential contract on it
    /// @param codeHash_ keccak-256 of its code, as `quartet contract build` reports it
    constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_)
        QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_)
    {}

    /// @dev Takes a result that three nodes signed, once per computation.
    /// @param computationId id of the computation
    /// @param total its result
    function _onTotal(bytes32 computationId, uint64 total) internal virtual;

    /// @inheritdoc QuartetApp
    function _onResult(bytes32 computationId, bytes calldata output) internal override {
        if (output.length != 32) revert BadOutput();
        _onTotal(computationId, abi.decode(output, (uint64)));
    }
}

/// @title Takes results of spread of the confidential contract order_book
/// @notice Orders (at) night.
///
/// Second * / line.
abstract contract OrderBookSpreadApp is QuartetApp {
    /// @param verifier_ checks the nodes' signatures
    /// @param l2ChainId_ id of the L2 chain
    /// @param l2Contract_ address of the confidential contract on it
    /// @param codeHash_ keccak-256 of its code, as `quartet contract build` reports it
    constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_)
        QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_)
    {}

    /// @dev Takes a result that three nodes signed, once per computation.
    /// @param computationId id of the computation
    /// @param spread its result
    function _onSpread(bytes32 computationId, int64[3] memory spread) internal virtual;

    /// @inheritdoc QuartetApp
    function _onResult(bytes32 computationId, bytes calldata output) internal override {
        if (output.length != 96) revert BadOutput();
        _onSpread(computationId, abi.decode(output, (int64[3])));
    }
}
