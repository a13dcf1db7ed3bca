"""Small valid files of each format, with the byte before them that chooses it."""

import gzip
import json
import math
import pathlib
import struct
import zlib

SEEDS = pathlib.Path(__file__).parent / "seeds"
count = 0


def seed(kind, data, target="labels"):
    global count
    (SEEDS / target).mkdir(parents=True, exist_ok=True)
    (SEEDS / target / f"{count:02}").write_bytes(bytes([kind]) + data)
    count += 1


def npy(descr, fortran, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def nifti(kind, bits, shape):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    return bytes(header) + bytes(math.prod(shape) * bits // 8)


for descr, size in [("|u1", 1), ("<i2", 2), ("|b1", 1), ("<i8", 8), (">u4", 4), ("<u8", 8), ("<f4", 4)]:
    for fortran in (False, True):
        seed(0, npy(descr, fortran, (2, 3, 4), bytes(24 * size)))

for kind, bits in [(2, 8), (4, 16), (8, 32), (16, 32), (64, 64), (256, 8), (512, 16), (768, 32), (1024, 64), (1280, 64)]:
    data = nifti(kind, bits, (2, 3, 4))
    seed(1, data)
    seed(2, gzip.compress(data, mtime=0))

for depth, color in [(1, 0), (2, 0), (4, 3), (8, 0), (8, 3), (16, 0), (8, 2)]:
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    row = 1 + (5 * depth * (3 if color == 2 else 1) + 7) // 8
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 5, 4, depth, color, 0, 0, 0))
    if color == 3:
        data += chunk(b"PLTE", bytes(3 * 16))
    seed(3, data + chunk(b"IDAT", zlib.compress(bytes(4 * row))) + chunk(b"IEND", b""))

for bits, compression in [(8, 1), (16, 1), (1, 1), (8, 8), (8, 5), (32, 1)]:
    row = (5 * bits + 7) // 8
    pixels = bytes(4 * row)
    pixels = zlib.compress(pixels) if compression == 8 else b"\x80\x00\x40\x10\x00" if compression == 5 else pixels
    entries = [(256, 3, 5), (257, 3, 4), (258, 3, bits), (259, 3, compression), (262, 3, 1), (273, 4, 8),
               (277, 3, 1), (278, 3, 4), (279, 4, len(pixels))]
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    seed(4, b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + ifd + struct.pack("<I", 0))

for encoding, pack in [("raw", bytes), ("gzip", lambda data: gzip.compress(data, mtime=0))]:
    for layers in (1, 2):
        header = f"""NRRD0004
# a note
type: short
dimension: 4
space: left-posterior-superior
sizes: {layers} 2 3 4
space directions: none (0,-0.5,0) (0.7,0,0) (0,0,2)
kinds: list domain domain domain
space units: "mm" "mm" "mm"
space origin: (1,2,3)
endian: big
encoding: {encoding}
byte skip: 0
Segment0_Name:=liver
Segment0_LabelValue:=1
Segment0_Layer:=0

"""
        seed(6, header.encode() + pack(bytes(48 * layers)))
        seed(4, header.replace("short", "float").encode() + pack(bytes(96 * layers)), "predictions")
for packed, pack in [("False", bytes), ("True", zlib.compress)]:
    header = f"""ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = True
CompressedData = {packed}
HeaderSize = 0
TransformMatrix = 0 -1 0 1 0 0 0 0 1
Offset = 1 2 3
ElementSpacing = 0.5 0.7 2
DistanceUnits = mm
DimSize = 2 3 4
ElementNumberOfChannels = 2
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""
    seed(7, header.encode() + pack(bytes(96)))
    seed(5, header.replace("MET_SHORT", "MET_FLOAT").encode() + pack(bytes(192)), "predictions")

for labels in [{"background": 0, "a": 1, "whole": [1, 2], "ignore": 3}, {"0": "background", "1": "a"}]:
    seed(5, json.dumps({"labels": labels}).encode())
for descr, size in [("<f4", 4), ("<f8", 8), (">f4", 4), ("|u1", 1), ("<i4", 4)]:
    for kind, shape in [(0, (2, 3, 4)), (1, (2, 2, 3, 4)), (1, (2, 3, 4))]:
        seed(kind, npy(descr, False, shape, bytes(math.prod(shape) * size)), "predictions")

for kind, bits in [(2, 8), (8, 32), (16, 32), (64, 64)]:
    seed(2, nifti(kind, bits, (2, 3, 4)), "predictions")
    seed(2, nifti(kind, bits, (2, 3, 4, 2)), "predictions")
    seed(3, gzip.compress(nifti(kind, bits, (3, 4, 1, 2)), mtime=0), "predictions")

raw = bytes(24)
frame = b"\x28\xb5\x2f\xfd\x20" + bytes([24]) + (24 << 3 | 1).to_bytes(3, "little") + raw
blosc = bytes([2, 1, 2, 1]) + struct.pack("<III", 24, 24, 40) + raw
crc32c = raw + bytes.fromhex("eeecfb84")
for descr, order, compressor, chunk in [
    ("|u1", "C", None, raw), ("<i2", "F", None, raw * 2), (">u4", "C", None, raw * 4), ("|b1", "C", None, raw),
    ("|u1", "C", {"id": "zlib", "level": 1}, zlib.compress(raw)), ("|u1", "C", {"id": "zstd", "level": 1}, frame),
    ("|u1", "C", {"id": "gzip", "level": 1}, gzip.compress(raw, mtime=0)),
    ("|u1", "F", {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}, blosc),
]:
    metadata = {"zarr_format": 2, "shape": [2, 3, 4], "chunks": [2, 3, 4], "dtype": descr, "order": order,
                "compressor": compressor, "fill_value": 0, "filters": None}
    seed(0, json.dumps(metadata).encode() + b"\xff" + chunk, "zarr")

little = {"name": "bytes", "configuration": {"endian": "little"}}
sharding = {"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 3, 2], "codecs": [{"name": "bytes"}],
                                                          "index_codecs": [little], "index_location": "end"}}
shard = raw + struct.pack("<QQQQ", 0, 12, 12, 12)
for kind, codecs, chunk in [
    ("uint8", [{"name": "bytes"}], raw), ("int16", [little], raw * 2), ("bool", [{"name": "bytes"}], raw),
    ("uint8", [{"name": "bytes"}, {"name": "gzip", "configuration": {"level": 1}}], gzip.compress(raw, mtime=0)),
    ("uint8", [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": 1, "checksum": False}}], frame),
    ("uint8", [{"name": "bytes"}, {"name": "crc32c"}], crc32c),
    ("uint8", [{"name": "bytes"}, {"name": "blosc", "configuration": {
        "cname": "zstd", "clevel": 5, "shuffle": "noshuffle", "typesize": 1, "blocksize": 0}}], blosc),
    ("uint8", [{"name": "transpose", "configuration": {"order": [2, 1, 0]}}, {"name": "bytes"}], raw),
    ("uint8", [sharding], shard),
]:
    metadata = {"zarr_format": 3, "node_type": "array", "shape": [2, 3, 4], "data_type": kind, "fill_value": 0,
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3, 4]}},
                "chunk_key_encoding": {"name": "default"}, "codecs": codecs}
    seed(1, json.dumps(metadata).encode() + b"\xff" + chunk, "zarr")
print(count, "seeds")
