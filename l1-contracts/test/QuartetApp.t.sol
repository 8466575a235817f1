// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {QuartetApp} from "../src/QuartetApp.sol";
import {Attestation, QuorumErrors} from "../src/Types.sol";
import {Verifier} from "../src/Verifier.sol";
import {Fixture} from "./Fixture.sol";

/// @title An app that takes many results
contract Results is QuartetApp {
    bytes32 public constant CONTEXT = keccak256("context of the app");

    bytes[] public outputs;

    constructor(Verifier verifier_, uint64 l2ChainId_, address l2Contract_, bytes32 codeHash_)
        QuartetApp(verifier_, l2ChainId_, l2Contract_, codeHash_)
    {}

    function count() external view returns (uint256) {
        return outputs.length;
    }

    function _context() internal pure override returns (bytes32) {
        return CONTEXT;
    }

    function _onResult(bytes32, bytes calldata output) internal override {
        if (output.length == 0) revert BadOutput();
        outputs.push(output);
    }
}

contract QuartetAppTest is Fixture {
    Results private app;

    function setUp() public override {
        super.setUp();
        app = new Results(verifier, L2_CHAIN, L2_CONTRACT, CODE);
    }

    function test_KeepsWhatItWasDeployedFor() public view {
        assertEq(address(app.verifier()), address(verifier));
        assertEq(app.l2ChainId(), L2_CHAIN);
        assertEq(app.l2Contract(), L2_CONTRACT);
        assertEq(app.codeHash(), CODE);
    }

    function test_NeedsAVerifier() public {
        vm.expectRevert(abi.encodeWithSelector(QuartetApp.NoVerifier.selector, address(0)));
        new Results(Verifier(address(0)), L2_CHAIN, L2_CONTRACT, CODE);
        vm.expectRevert(abi.encodeWithSelector(QuartetApp.NoVerifier.selector, address(0xcafe)));
        new Results(Verifier(address(0xcafe)), L2_CHAIN, L2_CONTRACT, CODE);
    }

    function test_NeedsATarget() public {
        vm.expectRevert(QuartetApp.ZeroTarget.selector);
        new Results(verifier, 0, L2_CONTRACT, CODE);
        vm.expectRevert(QuartetApp.ZeroTarget.selector);
        new Results(verifier, L2_CHAIN, address(0), CODE);
        vm.expectRevert(QuartetApp.ZeroTarget.selector);
        new Results(verifier, L2_CHAIN, L2_CONTRACT, 0);
    }

    function testFuzz_AnybodyMaySubmitAndItCounts(
        address sender,
        bytes32 id,
        bytes memory output,
        uint8 quorum
    ) public {
        vm.assume(output.length != 0);
        uint8 bitmap = quorums[quorum % 4];
        Attestation memory result = attestationOf(id, app.CONTEXT(), output);
        bytes memory signatures = sign(result, bitmap);
        assertFalse(app.accepted(id));
        vm.prank(sender);
        app.submit(result, bitmap, signatures);
        assertTrue(app.accepted(id));
        assertEq(app.outputs(0), output);
    }

    function test_AReplayIsRefusedWithWhicheverThree() public {
        Attestation memory result = good(0);
        app.submit(result, 7, sign(result, 7));
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory signatures = sign(result, quorums[i]);
            vm.expectRevert(
                abi.encodeWithSelector(QuartetApp.AlreadyAccepted.selector, computationId(0))
            );
            app.submit(result, quorums[i], signatures);
        }
        assertEq(app.count(), 1);
    }

    function test_AComputationHasOneResultEvenIfThreeSignAnother() public {
        Attestation memory result = good(0);
        app.submit(result, 7, sign(result, 7));
        result.output = "another output";
        bytes memory signatures = sign(result, 14);
        vm.expectRevert(
            abi.encodeWithSelector(QuartetApp.AlreadyAccepted.selector, computationId(0))
        );
        app.submit(result, 14, signatures);
    }

    /// @dev No counter: a later computation does not block an earlier one.
    function test_ResultsMayComeInAnyOrder() public {
        uint64[3] memory order = [uint64(2), 0, 1];
        for (uint256 i = 0; i < 3; ++i) {
            Attestation memory result = good(order[i]);
            app.submit(result, 7, sign(result, 7));
        }
        assertEq(app.count(), 3);
    }

    /// @dev An output that the app refuses may be mended by nothing but another result.
    function test_ARefusedOutputDoesNotUseUpTheComputation() public {
        Attestation memory result = good(0);
        result.output = "";
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(QuartetApp.BadOutput.selector);
        app.submit(result, 7, signatures);
        assertFalse(app.accepted(computationId(0)));
    }

    function testFuzz_RefusesAnotherChain(uint64 chain) public {
        vm.assume(chain != L2_CHAIN);
        Attestation memory result = good(0);
        result.l2ChainId = chain;
        refused(result, abi.encodeWithSelector(QuartetApp.WrongChain.selector, L2_CHAIN, chain));
    }

    function testFuzz_RefusesAnotherContract(address other) public {
        vm.assume(other != L2_CONTRACT);
        Attestation memory result = good(0);
        result.l2Contract = other;
        refused(
            result, abi.encodeWithSelector(QuartetApp.WrongContract.selector, L2_CONTRACT, other)
        );
    }

    function testFuzz_RefusesOtherCode(bytes32 code) public {
        vm.assume(code != CODE);
        Attestation memory result = good(0);
        result.codeHash = code;
        refused(result, abi.encodeWithSelector(QuartetApp.WrongCode.selector, CODE, code));
    }

    function testFuzz_RefusesAnotherContext(bytes32 context) public {
        vm.assume(context != app.CONTEXT());
        Attestation memory result = good(0);
        result.context = context;
        refused(
            result, abi.encodeWithSelector(QuartetApp.WrongContext.selector, app.CONTEXT(), context)
        );
    }

    function testFuzz_RefusesAnotherEpoch(uint64 epoch) public {
        vm.assume(epoch != 1);
        Attestation memory result = good(0);
        result.epoch = epoch;
        refused(result, abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 1, epoch));
    }

    function test_AnotherAppsResultsAreRefusedByItsTarget() public {
        Results other = new Results(verifier, L2_CHAIN, address(0xbeef), CODE);
        Attestation memory result = good(0);
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(
            abi.encodeWithSelector(QuartetApp.WrongContract.selector, address(0xbeef), L2_CONTRACT)
        );
        other.submit(result, 7, signatures);
    }

    function test_RefusesBadSignatures() public {
        Attestation memory result = good(0);
        bytes memory two = sign(result, 3);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadLength.selector, 128));
        app.submit(result, 7, two);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, 3));
        app.submit(result, 3, two);
        bytes memory three = sign(result, 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadBitmap.selector, 23));
        app.submit(result, 23, three);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 3));
        app.submit(result, 11, three);
        result.output = "altered";
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        app.submit(result, 7, three);
        assertEq(app.count(), 0);
    }

    function good(uint64 index) private view returns (Attestation memory) {
        return attestationOf(computationId(index), app.CONTEXT(), "output");
    }

    /// @dev Three signed it, and it is refused all the same.
    function refused(Attestation memory result, bytes memory why) private {
        bytes memory signatures = sign(result, 7);
        vm.expectRevert(why);
        app.submit(result, 7, signatures);
        assertFalse(app.accepted(result.computationId));
    }
}
