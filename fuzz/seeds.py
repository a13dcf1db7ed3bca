"""Small valid files of each format, with the byte before them that chooses it."""

import gzip
import json
import pathlib
import struct
import zlib

SEEDS = pathlib.Path(__file__).parent / "seeds"
SEEDS.mkdir(exist_ok=True)
count = 0


def seed(kind, data):
    global count
    (SEEDS / f"{count:02}").write_bytes(bytes([kind]) + data)
    count += 1


for descr, size in [("|u1", 1), ("<i2", 2), ("|b1", 1), ("<i8", 8), (">u4", 4), ("<u8", 8), ("<f4", 4)]:
    for fortran in (False, True):
        header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 3, 4), }}"
        header = header.ljust(117) + "\n"
        seed(0, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(24 * size))

for kind, bits in [(2, 8), (4, 16), (8, 32), (16, 32), (64, 64), (256, 8), (512, 16), (768, 32), (1024, 64), (1280, 64)]:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    data = bytes(header) + bytes(24 * bits // 8)
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

for labels in [{"background": 0, "a": 1, "whole": [1, 2], "ignore": 3}, {"0": "background", "1": "a"}]:
    seed(5, json.dumps({"labels": labels}).encode())
print(count, "seeds")
