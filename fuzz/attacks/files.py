"""Small files of all formats that the command reads, and what breaks them."""

import gzip
import json
import math
import pathlib
import struct
import zlib

SHAPE = (3, 5, 4)


def labels(random, count=math.prod(SHAPE), classes=3):
    return bytes(random.randrange(classes) for _ in range(count))


def npy(data, descr="|u1", shape=SHAPE):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def nifti(data, shape=SHAPE, kind=2, bits=8):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<hh", header, 70, kind, bits)
    struct.pack_into("<8f", header, 76, *[1.0] * 8)
    struct.pack_into("<f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    return bytes(header) + data


def png(data, height=5, width=4, channels=1):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + data[row * width * channels : (row + 1) * width * channels] for row in range(height))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0))
    return start + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(data, height=5, width=4):
    entries = [(256, 3, width), (257, 3, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    entries += [(278, 3, height), (279, 4, height * width)]
    packed = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    end = struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)
    return b"II*\0" + struct.pack("<I", 8 + height * width) + data[: height * width] + end


def zarr(path, data, version=2, packed=True, chunk=SHAPE):
    """An array whose chunks are the whole array along all axes but the first."""
    path.mkdir(parents=True)
    if version == 2:
        codec = {"id": "gzip", "level": 1} if packed else None
        metadata = {"zarr_format": 2, "shape": SHAPE, "chunks": chunk, "dtype": "|u1", "compressor": codec}
        metadata |= {"fill_value": 0, "order": "C", "filters": None}
        (path / ".zarray").write_text(json.dumps(metadata))
        (path / "0.0.0").write_bytes(gzip.compress(data) if packed else data)
    else:
        codecs = [{"name": "bytes"}] + ([{"name": "gzip", "configuration": {"level": 1}}] if packed else [])
        metadata = {"zarr_format": 3, "node_type": "array", "shape": SHAPE, "data_type": "uint8", "fill_value": 0}
        metadata |= {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": chunk}}, "codecs": codecs}
        metadata |= {"chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}}}
        (path / "zarr.json").write_text(json.dumps(metadata))
        (path / "c/0/0").mkdir(parents=True)
        (path / "c/0/0/0").write_bytes(gzip.compress(data) if packed else data)


def write(folder, random):
    """One file of each kind, and a folder of cases for each of two raters."""
    folder.mkdir(parents=True, exist_ok=True)

    def put(name, data):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    put("a.npy", npy(labels(random)))
    put("b.npy", npy(labels(random)))
    put("bools.npy", npy(labels(random, classes=2), "|b1"))
    put("wide.npy", npy(labels(random, 8 * math.prod(SHAPE), 1), "<i8"))
    put("floats.npy", npy(struct.pack("<60f", *[0.5] * 60), "<f4"))
    put("soft.npy", npy(struct.pack("<180f", *[1 / 3] * 180), "<f4", (3, *SHAPE)))
    put("other.npy", npy(labels(random, 24), shape=(2, 3, 4)))
    put("flat.npy", npy(labels(random, 20), shape=(5, 4)))
    put("a.nii", nifti(labels(random)))
    put("b.nii.gz", gzip.compress(nifti(labels(random)), mtime=0))
    put("probabilities.nii", nifti(struct.pack("<180f", *[1 / 3] * 180), (*SHAPE, 3), 16, 32))
    put("a.png", png(labels(random)))
    put("rgb.png", png(labels(random, 60), channels=3))
    put("colours.csv", b"name,r,g,b\n" + b"".join(b"c%d,%d,%d,%d\n" % (n, n // 9, n // 3 % 3, n % 3) for n in range(27)))
    put("a.tif", tiff(labels(random)))
    put("dataset.json", json.dumps({"labels": {"background": 0, "one": 1, "two": 2, "both": [1, 2]}}).encode())
    put("config.json", b'{"method": "svls", "radius": 1}')
    for rater in ("rater_1", "rater_2"):
        for case in range(4):
            put(f"{rater}/case_{case}.npy", npy(labels(random)))
    for version in (2, 3):
        for packed in (False, True):
            zarr(folder / f"v{version}{'gz' if packed else ''}.zarr", labels(random), version, packed)


def broken(data, random):
    """The same bytes with some changed, cut off, repeated or replaced by extreme numbers."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5, 20])):
        if not data:
            break
        at = random.randrange(len(data))
        # Headers are where it hurts.
        if random.random() < 0.7:
            at = random.randrange(min(len(data), 400))
        kind = random.randrange(6)
        if kind == 0:
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[at] = random.choice([0, 1, 127, 128, 255])
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            number = random.choice([0, 1, -1, 2**15 - 1, 2**31 - 1, 2**31, 2**60, 2**63 - 1])
            size = random.choice([2, 4, 8])
            data[at : at + size] = (number % 256**size).to_bytes(size, random.choice(["little", "big"]))
        elif kind == 4:
            data[at:at] = data[at : at + random.randrange(1, 50)] * random.randrange(1, 5)
        else:
            digits = [i for i, byte in enumerate(data[:2000]) if chr(byte).isdigit()]
            if digits:
                at = random.choice(digits)
                data[at : at + 1] = random.choice([b"0", b"-1", b"9999999999", b"99999999999999999999", b"1e999", b"null"])
    return bytes(data)


def state(folder):
    """All files with their bytes, links with where they lead."""
    found = {}
    for path in sorted(pathlib.Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = ("link", path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
    return found
