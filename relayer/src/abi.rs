//! What the relayer knows of the contracts on both sides.

use alloy::sol;

sol! {
    /// An app on L1: where results go, by [`wire::attestation::submitCall`].
    #[derive(Debug)]
    interface App {
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
