//! What the relayer knows of the contracts on both sides.

use alloy::sol;

sol! {
    /// What the nodes say about one computation, as L1 takes it.
    #[derive(Debug, PartialEq, Eq)]
    struct Attestation {
        uint64 l2ChainId;
        address l2Contract;
        bytes32 codeHash;
        bytes32 computationId;
        bytes32 programHash;
        bytes32 inputRoot;
        uint64 inputCount;
        bytes32 context;
        uint64 epoch;
        bytes output;
    }

    /// An app on L1: where results go.
    #[derive(Debug)]
    interface App {
        function submit(Attestation attestation, uint8 bitmap, bytes signatures) external;
        function accepted(bytes32 computationId) external view returns (bool);

        error AlreadyAccepted(bytes32 computationId);
        error WrongChain(uint64 expected, uint64 actual);
        error WrongContract(address expected, address actual);
        error WrongCode(bytes32 expected, bytes32 actual);
        error WrongContext(bytes32 expected, bytes32 actual);
        error WrongEpoch(uint64 expected, uint64 actual);
        error BadBitmap(uint8 bitmap);
        error BadLength(uint256 actual);
        error BadSignature(uint8 node);
        error HighS(uint8 node);
        error BadOutput();
        error AlreadyPublished();
        error ElectorateNotSealed();
    }

    /// An app on L1 with a list of voters.
    #[derive(Debug)]
    interface Electorate {
        event VotersAdded(uint32 indexed index, address[] voters);

        function phase() external view returns (uint8);
        function treeRoot() external view returns (bytes32);
        function batchCount() external view returns (uint32);
    }

    /// A contract on L2 with a list of voters.
    #[derive(Debug)]
    interface Poll {
        function addVoters(uint32 index, address[] voters, bytes32[] proof) external;
        function batchAdded(uint32 index) external view returns (bool);
        function complete() external view returns (bool);

        error AlreadyAdded();
    }
}

impl From<wire::attestation::Attestation> for Attestation {
    fn from(attestation: wire::attestation::Attestation) -> Self {
        Self {
            l2ChainId: attestation.l2ChainId,
            l2Contract: attestation.l2Contract,
            codeHash: attestation.codeHash,
            computationId: attestation.computationId,
            programHash: attestation.programHash,
            inputRoot: attestation.inputRoot,
            inputCount: attestation.inputCount,
            context: attestation.context,
            epoch: attestation.epoch,
            output: attestation.output,
        }
    }
}
