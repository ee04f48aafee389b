#!/usr/bin/env python3
"""Loads a timeline with our sound in OpenTimelineIO, and checks how other programs will see it.

    otio_check.py AFTER.otio [BEFORE.otio]

Needs OpenTimelineIO 0.18 and otio-fcp-adapter. BEFORE is the same timeline without our sound:
nothing else may differ.
"""
import sys
import urllib.parse

import opentimelineio as otio

FLICKS = 705_600_000
SAMPLE = 1 / 44_100


def seconds(time):
    """OpenTimelineIO takes 29.97 literally; 30000/1001 is meant."""
    rate = time.rate
    if abs(rate - round(rate)) > 1e-6:
        rate = -(-rate // 1) * 1000 / 1001
    return time.value / rate


def is_ours(item):
    return isinstance(item, otio.schema.Clip) and "key" in item.metadata.get("kinescore", {})


def sounds(timeline):
    return [(track, clip) for track in timeline.tracks for clip in track if is_ours(clip)]


def check_place(track, clip):
    made_for = clip.metadata["kinescore"]
    up, down = (int(part) for part in made_for["speed"].split("/"))
    begin = seconds(track.range_of_child(clip).start_time)
    length = seconds(clip.duration())
    want = (made_for["out"] - made_for["in"]) * down / up / FLICKS
    assert track.kind == otio.schema.TrackKind.Audio, f"{clip.name}: is in a track of kind {track.kind}"
    assert abs(begin - made_for["start"] / FLICKS) < SAMPLE, f"{clip.name}: begins at {begin} s"
    assert abs(length - want) < SAMPLE, f"{clip.name}: is {length} s long, and its clip {want} s"
    media = clip.media_reference
    assert isinstance(media, otio.schema.ExternalReference)
    assert media.available_range.duration.rate == clip.source_range.duration.rate
    path = urllib.parse.unquote(urllib.parse.urlparse(media.target_url).path)
    assert path.endswith(".wav"), f"{clip.name}: its sound is {media.target_url}"
    print(f"{track.name}: {clip.name} at {begin:.5f} s, {length:.5f} s, {media.target_url}")


def check_rest(after, before):
    """Only tracks with our sound may have been added."""
    own = {id(track) for track, _ in sounds(after)}
    rest = [track for track in after.tracks if id(track) not in own]
    assert len(rest) == len(before.tracks)
    assert all(one.is_equivalent_to(other) for one, other in zip(rest, before.tracks))
    text = otio.core.serialize_json_to_string
    assert text(after.metadata) == text(before.metadata) and after.global_start_time == before.global_start_time


def plain(timeline):
    """A copy that FCP XML can represent: without stacks in tracks."""
    copy = timeline.deepcopy()
    for track in copy.tracks:
        for index, item in enumerate(track):
            if isinstance(item, otio.schema.Stack):
                track[index] = otio.schema.Gap(source_range=item.trimmed_range())
            elif getattr(item, "source_range", 0) is None:
                item.source_range = item.trimmed_range()
    return copy


def check_fcp_xml(timeline):
    xml = otio.adapters.write_to_string(plain(timeline), "fcp_xml")
    back = otio.adapters.read_from_string(xml, "fcp_xml")
    found = {}
    for track in back.tracks:
        for clip in track:
            if isinstance(getattr(clip, "media_reference", None), otio.schema.ExternalReference):
                found.setdefault((clip.name, clip.media_reference.target_url), []).append(track.range_of_child(clip))
    for track, clip in sounds(timeline):
        want = track.range_of_child(clip)
        places = found[(clip.name, clip.media_reference.target_url)]
        near = [place for place in places if abs(place.start_time.value - want.start_time.value) <= 0.51]
        assert near, f"{clip.name}: begins at {places} after FCP XML, and at {want} before"
        assert abs(near[0].duration.value - want.duration.value) <= 1.0, f"{clip.name}: {near[0]} after FCP XML"
    print(f"fcp_xml: {len(sounds(timeline))} sounds came back at their positions, to the frame")


def main():
    after = otio.adapters.read_from_file(sys.argv[1])
    for track in after.tracks:
        print(f"track {track.name} ({track.kind}): {seconds(track.duration()):.5f} s")
    assert sounds(after), "there is no sound from Kinescore"
    for track, clip in sounds(after):
        check_place(track, clip)
    if len(sys.argv) > 2:
        check_rest(after, otio.adapters.read_from_file(sys.argv[2]))
    check_fcp_xml(after)


if __name__ == "__main__":
    main()
