#!/usr/bin/env python3
"""Writes vectors/*.json, against which the Solidity and the Rust side are both tested.

A third implementation on purpose: digests and signatures come from eth-account 0.14.0, the tree is
written plainly. The same input gives the same files.
"""

import json
from pathlib import Path

from eth_abi import encode
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_utils import keccak, to_checksum_address

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
DEPTH = 16

ATTESTATION = [
    ("l2ChainId", "uint64"),
    ("l2Contract", "address"),
    ("codeHash", "bytes32"),
    ("computationId", "bytes32"),
    ("programHash", "bytes32"),
    ("inputRoot", "bytes32"),
    ("inputCount", "uint64"),
    ("context", "bytes32"),
    ("epoch", "uint64"),
    ("output", "bytes"),
]
ROTATION = [("nodes", "address[4]"), ("epoch", "uint64")]


def hexed(data):
    return "0x" + bytes(data).hex()


def key(label):
    return Account.from_key(keccak(text=f"quartet test vector: {label}"))


def address(label):
    return to_checksum_address(keccak(text=f"quartet test vector: {label}")[12:])


def word(label):
    return hexed(keccak(text=f"quartet test vector: {label}"))


def compact(signed):
    """EIP-2098: r, then s with the parity of y in its top bit."""
    return signed.r.to_bytes(32, "big") + (signed.s | (signed.v - 27) << 255).to_bytes(32, "big")


def sign(nodes, contract, chain_id, primary, fields, message, bitmap):
    """Digest, the four compact signatures, and those that the bitmap names, joined."""
    signable = encode_typed_data(
        domain_data={
            "name": "Quartet",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": contract,
        },
        message_types={primary: [{"name": name, "type": kind} for name, kind in fields]},
        message_data=message,
    )
    signatures = [compact(node.sign_message(signable)) for node in nodes]
    return {
        "digest": hexed(_hash_eip191_message(signable)),
        "signatures": [hexed(signature) for signature in signatures],
        "bitmap": bitmap,
        "quorum": hexed(b"".join(s for i, s in enumerate(signatures) if bitmap >> i & 1)),
    }


def attestation_case(name, nodes, l1, bitmap, attestation):
    return {
        "name": name,
        "attestation": attestation,
        **sign(
            nodes,
            l1["verifier"],
            l1["chainId"],
            "Attestation",
            ATTESTATION,
            attestation,
            bitmap,
        ),
    }


def attestations(nodes):
    l1 = {"chainId": 31337, "verifier": address("verifier")}
    contract = address("l2 contract")
    voting = {
        "l2ChainId": 9001,
        "l2Contract": contract,
        "codeHash": word("code"),
        "computationId": hexed(keccak(encode(["address", "uint64"], [contract, 0]))),
        "programHash": word("program"),
        "inputRoot": word("inputs"),
        "inputCount": 25,
        "context": word("context"),
        "epoch": 1,
        "output": hexed(encode(["uint64[3]", "uint64"], [[11, 8, 5], 1])),
    }
    smallest = {
        name: "0x" if kind == "bytes" else 0 if kind == "uint64" else hexed(bytes(size))
        for name, kind in ATTESTATION
        for size in [20 if kind == "address" else 32]
    }
    largest = {
        name: hexed(b"\xff" * 33) if kind == "bytes" else 2**64 - 1 if kind == "uint64" else fill
        for name, kind in ATTESTATION
        for fill in [hexed(b"\xff" * (20 if kind == "address" else 32))]
    }
    return {
        "l1": l1,
        "nodes": node_list(nodes),
        "cases": [
            attestation_case("a tally, nodes 0 1 2", nodes, l1, 0b0111, voting),
            attestation_case(
                "second computation, nodes 0 1 3",
                nodes,
                l1,
                0b1011,
                {
                    **voting,
                    "computationId": hexed(keccak(encode(["address", "uint64"], [contract, 1]))),
                },
            ),
            attestation_case("all fields zero, nodes 0 2 3", nodes, l1, 0b1101, smallest),
            attestation_case("all bits set, nodes 1 2 3", nodes, l1, 0b1110, largest),
        ],
    }


def rotation(nodes):
    new_nodes = [node.address for node in nodes[1:]] + [address("new node")]
    committee = address("committee")
    return {
        "l1": {"chainId": 31337, "committee": committee},
        "nodes": node_list(nodes),
        "newNodes": new_nodes,
        "newEpoch": 2,
        **sign(
            nodes,
            committee,
            31337,
            "Rotation",
            ROTATION,
            {"nodes": new_nodes, "epoch": 2},
            0b1101,
        ),
    }


def node_list(nodes):
    return [{"privateKey": hexed(node.key), "address": node.address} for node in nodes]


def electorate_case(name, sizes):
    poll = address(f"poll {name}")
    batches = [
        [address(f"voter {name} {batch} {i}") for i in range(size)]
        for batch, size in enumerate(sizes)
    ]
    leaves = [
        keccak(
            encode(
                ["uint32", "bytes32"],
                # Solidity packs elements of an array to 32 bytes each.
                [index, keccak(b"".join(bytes(12) + bytes.fromhex(v[2:]) for v in batch))],
            )
        )
        for index, batch in enumerate(batches)
    ]
    proofs = [[] for _ in leaves]
    level, empty = leaves, bytes(32)
    for depth in range(DEPTH):
        level = level + [empty] * (len(level) % 2)
        for index, proof in enumerate(proofs):
            place = (index >> depth) ^ 1
            proof.append(hexed(level[place]))
        level = [keccak(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
        empty = keccak(empty + empty)
    (root,) = level
    return {
        "name": name,
        "poll": poll,
        "batches": batches,
        "leaves": [hexed(leaf) for leaf in leaves],
        "root": hexed(root),
        "context": hexed(
            keccak(encode(["address", "bytes32", "uint32"], [poll, root, len(batches)]))
        ),
        "proofs": proofs,
    }


def write(name, content):
    (VECTORS / name).write_text(json.dumps(content, indent=2) + "\n")


def main():
    nodes = [key(f"node {i}") for i in range(4)]
    write("attestation.json", attestations(nodes))
    write("rotation.json", rotation(nodes))
    write(
        "electorate.json",
        {
            "depth": DEPTH,
            "cases": [
                electorate_case("one voter", [1]),
                electorate_case("two batches", [3, 2]),
                electorate_case("five batches", [4, 4, 4, 4, 1]),
                electorate_case("a power of two", [1] * 8),
                electorate_case("one more", [1] * 9),
            ],
        },
    )


main()
