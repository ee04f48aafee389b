#!/usr/bin/env python3
"""Cuts kinescore-gm.sf3 out of FluidR3Mono_GM.sf3: chosen presets, with the instruments and samples
they use.

    python3 models/convert/soundfont_subset.py FluidR3Mono_GM.sf3 models/kinescore-gm.sf3

The source is the file of Debian's package fluidr3mono-gm-soundfont 2.315-7 (MIT):

    apt-get download fluidr3mono-gm-soundfont && dpkg-deb -x fluidr3mono-gm-soundfont_*.deb .

Zones, generators, modulators and the Ogg Vorbis samples are copied unchanged, only their numbers
change, with one exception: drums that were half of a stereo pair, and are still panned hard left
although the mono font lacks the right half (electronic toms, brush snares), are centred. Needs only
the standard library; the result is the same on every machine, byte for byte.
"""

import hashlib
import struct
import sys

SOURCE_SHA256 = "cda013d8c370a48ae8dad271e761078d2e77455488dabdedbfbe5fc76a38c682"

# Bank and program. Bank 128 holds the drum kits, numbered as in General MIDI level 2.
PRESETS = [
    (128, 0),  # standard
    (128, 8),  # room
    (128, 16),  # power
    (128, 24),  # electronic
    (128, 25),  # TR-808
    (128, 32),  # jazz
    (128, 40),  # brush
    (0, 0),  # acoustic grand piano
    (0, 4),  # electric piano
    (0, 5),  # FM electric piano
    (0, 7),  # clavinet
    (0, 11),  # vibraphone
    (0, 18),  # rock organ
    (0, 24),  # nylon guitar
    (0, 25),  # steel guitar
    (0, 27),  # clean electric guitar
    (0, 29),  # overdriven guitar
    (0, 32),  # acoustic bass
    (0, 33),  # finger bass
    (0, 34),  # pick bass
    (0, 36),  # slap bass
    (0, 38),  # synth bass 1
    (0, 39),  # synth bass 2
    (0, 43),  # contrabass
    (0, 48),  # strings
    (0, 50),  # synth strings
    (0, 52),  # choir
    (0, 56),  # trumpet
    (0, 60),  # French horns
    (0, 61),  # brass section
    (0, 66),  # tenor saxophone
    (0, 73),  # flute
    (0, 80),  # square lead
    (0, 81),  # saw lead
    (0, 95),  # sweep pad
]

NOTE = (
    "Subset made for Kinescore: seven drum kits and 28 melodic presets; "
    "all other presets, instruments and samples are left out. Electronic toms and brush snares, panned hard left "
    "without a right half, are centred; nothing else is changed.\n\n"
)

INSTRUMENT, SAMPLE_ID = 41, 53  # generators that name what a zone plays (SoundFont 2.04, 8.1.2)
PAN, HARD_LEFT = 17, 0x10000 - 500  # in tenths of a percent, as an unsigned 16-bit number
DRUM_BANK = 128

# Layouts of the records of the pdta list (SoundFont 2.04, 7.2 to 7.10).
LAYOUTS = {
    b"phdr": "<20sHHHIII",
    b"pbag": "<HH",
    b"pmod": "<HHhHH",
    b"pgen": "<HH",
    b"inst": "<20sH",
    b"ibag": "<HH",
    b"imod": "<HHhHH",
    b"igen": "<HH",
    b"shdr": "<20sIIIIIBbHH",
}


def chunks(data, at, end):
    """Chunks between two offsets as (id, offset of the body, size). Some sf3 writers do not pad odd
    sizes."""
    while at + 8 <= end:
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        yield name, at + 8, size
        at += 8 + size
        if size % 2 and data[at : at + 1] == b"\0":
            at += 1


def read(data):
    """The INFO chunks, the bytes of smpl, and the records of pdta by chunk."""
    assert data[:4] == b"RIFF" and data[8:12] == b"sfbk", "not a SoundFont"
    info, samples, records = {}, None, {}
    for name, body, size in chunks(data, 12, len(data)):
        kind = data[body : body + 4]
        for part, at, length in chunks(data, body + 4, body + size):
            if kind == b"INFO":
                info[part] = data[at : at + length]
            elif part == b"smpl":
                samples = data[at : at + length]
            elif part in LAYOUTS:
                records[part] = list(struct.iter_unpack(LAYOUTS[part], data[at : at + length]))
    return info, samples, records


def zones(records, first, last, bag, gen, mod):
    """The zones first..last of a preset or an instrument, each as (generators, modulators)."""
    bags = records[bag]
    return [
        (records[gen][bags[z][0] : bags[z + 1][0]], records[mod][bags[z][1] : bags[z + 1][1]])
        for z in range(first, last)
    ]


def renumber(zone_list, generator, number):
    """The zones with the value of one generator replaced by number(value)."""
    return [([(g, number(v) if g == generator else v) for g, v in gens], mods) for gens, mods in zone_list]


def centre_left_halves(zone_list, headers):
    """Takes the hard left pan from zones that play the left sample of a pair ("… (L)")."""

    def left_half(gens):
        names = [headers[v][0].rstrip(b"\0") for g, v in gens if g == SAMPLE_ID]
        return any(name.endswith(b"(L)") for name in names)

    return [
        ([(g, v) for g, v in gens if not (g == PAN and v == HARD_LEFT and left_half(gens))], mods)
        for gens, mods in zone_list
    ]


def subset(records, samples):
    out = {name: [] for name in LAYOUTS}
    pool = bytearray()
    instruments, sample_numbers = {}, {}

    def take_sample(old):
        if old not in sample_numbers:
            header = list(records[b"shdr"][old])
            body = samples[header[1] : header[2]]
            assert body[:4] == b"OggS", "a sample that is not Ogg Vorbis"
            sample_numbers[old] = len(out[b"shdr"])
            header[1], header[2] = len(pool), len(pool) + len(body)
            header[8] = 0  # mono font: no linked sample
            pool.extend(body)
            out[b"shdr"].append(tuple(header))
        return sample_numbers[old]

    def add(zone_list, bag, gen, mod):
        for gens, mods in zone_list:
            out[bag].append((len(out[gen]), len(out[mod])))
            out[gen].extend(gens)
            out[mod].extend(mods)

    # Instruments are numbered first, in the order in which the presets name them.
    presets, drums = [], set()
    for bank, program in PRESETS:
        heads = records[b"phdr"]
        index = next(i for i, h in enumerate(heads[:-1]) if (h[2], h[1]) == (bank, program))
        preset_zones = zones(records, heads[index][3], heads[index + 1][3], b"pbag", b"pgen", b"pmod")
        for gens, _ in preset_zones:
            for g, v in gens:
                if g == INSTRUMENT:
                    instruments.setdefault(v, len(instruments))
                    drums.update([v] if bank == DRUM_BANK else [])
        presets.append((heads[index], preset_zones))

    for old in instruments:
        name, first = records[b"inst"][old]
        instrument_zones = zones(records, first, records[b"inst"][old + 1][1], b"ibag", b"igen", b"imod")
        if old in drums:
            instrument_zones = centre_left_halves(instrument_zones, records[b"shdr"])
        out[b"inst"].append((name, len(out[b"ibag"])))
        add(renumber(instrument_zones, SAMPLE_ID, take_sample), b"ibag", b"igen", b"imod")

    for head, preset_zones in presets:
        out[b"phdr"].append((*head[:3], len(out[b"pbag"]), *head[4:]))
        add(renumber(preset_zones, INSTRUMENT, instruments.__getitem__), b"pbag", b"pgen", b"pmod")

    # Terminal records.
    out[b"phdr"].append((b"EOP", 0, 0, len(out[b"pbag"]), 0, 0, 0))
    out[b"inst"].append((b"EOI", len(out[b"ibag"])))
    out[b"shdr"].append((b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0))
    for bag, gen, mod in ((b"pbag", b"pgen", b"pmod"), (b"ibag", b"igen", b"imod")):
        out[bag].append((len(out[gen]), len(out[mod])))
        out[gen].append((0, 0))
        out[mod].append((0, 0, 0, 0, 0))
    return bytes(pool), out


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def text(value):
    """A text of an INFO chunk: ended by one or two zeros, so that its size is even."""
    raw = value if isinstance(value, bytes) else value.encode("latin-1")
    raw = raw.rstrip(b"\0") + b"\0"
    return raw + b"\0" * (len(raw) % 2)


def main():
    source, target = sys.argv[1:]
    data = open(source, "rb").read()
    found = hashlib.sha256(data).hexdigest()
    if found != SOURCE_SHA256:
        sys.exit(f"{source}: sha256 {found}, expected {SOURCE_SHA256}")
    info, samples, records = read(data)
    pool, out = subset(records, samples)
    info[b"INAM"] = b"Kinescore GM"
    info[b"ISFT"] = b"Polyphone"
    info[b"ICMT"] = NOTE.encode() + info[b"ICMT"]
    head = chunk(b"ifil", info.pop(b"ifil"))
    for name in (b"isng", b"INAM", b"IPRD", b"IENG", b"ISFT", b"ICRD", b"ICMT", b"ICOP"):
        head += chunk(name, text(info[name]))
    body = b"sfbk" + chunk(b"LIST", b"INFO" + head) + chunk(b"LIST", b"sdta" + chunk(b"smpl", pool))
    pdta = b"".join(chunk(n, b"".join(struct.pack(LAYOUTS[n], *r) for r in out[n])) for n in LAYOUTS)
    body += chunk(b"LIST", b"pdta" + pdta)
    with open(target, "wb") as file:
        file.write(chunk(b"RIFF", body))
    result = hashlib.sha256(chunk(b"RIFF", body)).hexdigest()
    print(f"{target}: {len(body) + 8} bytes, {len(out[b'phdr']) - 1} presets, {len(out[b'shdr']) - 1} samples, sha256 {result}")


if __name__ == "__main__":
    main()
