// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Committee} from "../src/Committee.sol";
import {Attestation, QuorumErrors} from "../src/Types.sol";
import {Verifier} from "../src/Verifier.sol";
import {Fixture} from "./Fixture.sol";

contract VerifierTest is Fixture {
    Attestation private attestation;

    function setUp() public override {
        super.setUp();
        attestation = attestationOf(computationId(0), keccak256("context"), "output");
    }

    function test_AcceptsEveryThree() public view {
        for (uint256 i = 0; i < 4; ++i) {
            verifier.verify(attestation, quorums[i], sign(attestation, quorums[i]));
        }
    }

    function testFuzz_AcceptsWhateverThreeSigned(Attestation memory any, uint8 quorum) public view {
        any.epoch = 1;
        uint8 bitmap = quorums[quorum % 4];
        verifier.verify(any, bitmap, sign(any, bitmap));
    }

    function test_NeedsACommittee() public {
        vm.expectRevert(abi.encodeWithSelector(Verifier.NoCommittee.selector, address(0)));
        new Verifier(Committee(address(0)));
        vm.expectRevert(abi.encodeWithSelector(Verifier.NoCommittee.selector, address(0xcafe)));
        new Verifier(Committee(address(0xcafe)));
    }

    /// @dev The digest, written out once more.
    function testFuzz_TheDigestIsEip712(Attestation memory any) public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("Quartet"),
                keccak256("1"),
                block.chainid,
                address(verifier)
            )
        );
        bytes memory fixedFields = abi.encode(
            any.l2ChainId,
            any.l2Contract,
            any.codeHash,
            any.computationId,
            any.programHash,
            any.inputRoot,
            any.inputCount,
            any.context,
            any.epoch
        );
        bytes32 typehash = keccak256(
            "Attestation(uint64 l2ChainId,address l2Contract,bytes32 codeHash,bytes32 computationId,bytes32 programHash,bytes32 inputRoot,uint64 inputCount,bytes32 context,uint64 epoch,bytes output)"
        );
        bytes32 hash =
            keccak256(bytes.concat(typehash, fixedFields, abi.encode(keccak256(any.output))));
        assertEq(verifier.domainSeparator(), domain);
        assertEq(verifier.attestationDigest(any), keccak256(bytes.concat(hex"1901", domain, hash)));
    }

    function testFuzz_RefusesAnAlteredField(uint8 field, uint256 noise, uint8 quorum) public {
        uint8 bitmap = quorums[quorum % 4];
        bytes memory signatures = sign(attestation, bitmap);
        Attestation memory altered = attestation;
        uint64 small = uint64(bound(noise, 1, type(uint64).max));
        uint160 middle = uint160(bound(noise, 1, type(uint160).max));
        bytes32 large = bytes32(bound(noise, 1, type(uint256).max));
        field %= 9;
        if (field == 0) altered.l2ChainId ^= small;
        if (field == 1) altered.l2Contract = address(uint160(altered.l2Contract) ^ middle);
        if (field == 2) altered.codeHash ^= large;
        if (field == 3) altered.computationId ^= large;
        if (field == 4) altered.programHash ^= large;
        if (field == 5) altered.inputRoot ^= large;
        if (field == 6) altered.inputCount ^= small;
        if (field == 7) altered.context ^= large;
        if (field == 8) altered.output = bytes.concat(altered.output, large);
        vm.expectPartialRevert(QuorumErrors.BadSignature.selector);
        verifier.verify(altered, bitmap, signatures);
    }

    function test_RefusesAnotherEpochEvenIfItWasSigned() public {
        attestation.epoch = 2;
        bytes memory signatures = sign(attestation, 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 1, 2));
        verifier.verify(attestation, 7, signatures);
    }

    function test_AfterARotationOldSignaturesAreRefused() public {
        bytes memory signatures = sign(attestation, 7);
        verifier.verify(attestation, 7, signatures);
        uint256[4] memory next = someKeys(0xb0b);
        address[4] memory nodes = addresses(next);
        committee.rotate(nodes, 7, sign(keys, committee.rotationDigest(nodes), 7));

        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.WrongEpoch.selector, 2, 1));
        verifier.verify(attestation, 7, signatures);
        attestation.epoch = 2;
        signatures = sign(attestation, 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        verifier.verify(attestation, 7, signatures);
        keys = next;
        verifier.verify(attestation, 7, sign(attestation, 7));
    }

    function test_RefusesSignaturesForAnotherVerifier() public {
        Verifier other = new Verifier(committee);
        bytes memory signatures = sign(keys, other.attestationDigest(attestation), 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        verifier.verify(attestation, 7, signatures);
    }

    function test_RefusesSignaturesForAnotherChain() public {
        bytes memory signatures = sign(attestation, 7);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        verifier.verify(attestation, 7, signatures);
        verifier.verify(attestation, 7, sign(attestation, 7));
        vm.chainId(chain);
        verifier.verify(attestation, 7, signatures);
    }

    function test_ARotationIsNoAttestation() public {
        address[4] memory nodes = addresses(someKeys(0xb0b));
        bytes memory signatures = sign(keys, committee.rotationDigest(nodes), 7);
        vm.expectRevert(abi.encodeWithSelector(QuorumErrors.BadSignature.selector, 0));
        verifier.verify(attestation, 7, signatures);
    }
}
