#include "beat_markers.hpp"

#include "markers.hpp"
#include "ratio.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace kinescore::bridge {

namespace {

/// Two times of one beat: a record and a maker may round differently.
constexpr Flicks same_beat = flicks_per_second / 1000;

/// Greatest numbers that are read of bars, and of beats in a bar.
constexpr std::int64_t most_bars = 1'000'000;
constexpr std::int64_t most_in_bar = 99;

constexpr char own_mark = '=';
constexpr char namesake_mark = '!';
constexpr char none_mark = '~';
constexpr const char *kinds_of_marks = "=!~";

std::vector<std::string> words_of(const std::string &text) {
    std::vector<std::string> words;
    for (std::size_t begin = text.find_first_not_of(' '); begin != std::string::npos;) {
        const std::size_t end = std::min(text.find(' ', begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = text.find_first_not_of(' ', end);
    }
    return words;
}

/// A number in a record; none if it is outside the range.
std::optional<std::int64_t> number_in(const std::string &text, std::int64_t least, std::int64_t most) {
    const auto number = whole_number(text);
    return number && *number >= least && *number <= most ? number : std::nullopt;
}

std::optional<ShownBeat> beat_from(const std::string &word) {
    const std::size_t mark = word.find_first_of(kinds_of_marks);
    const std::size_t point = mark == std::string::npos ? mark : word.find('.', mark);
    if (point == std::string::npos) {
        return std::nullopt;
    }
    const auto time = number_in(word.substr(0, mark), 0, longest_time);
    const auto bar = number_in(word.substr(mark + 1, point - mark - 1), 1, most_bars);
    const auto number = number_in(word.substr(point + 1), 1, most_in_bar);
    if (!time || !bar || !number) {
        return std::nullopt;
    }
    using Kind = ShownBeat::Marker;
    return ShownBeat{*time, *bar, *number,
                     word[mark] == own_mark        ? Kind::own
                     : word[mark] == namesake_mark ? Kind::namesake
                                                   : Kind::none};
}

/// Frames of the timeline on which a clip is seen: the first, and the last.
std::pair<std::int64_t, std::int64_t> frames_of_clip(const TimelineItem &clip) {
    const std::int64_t first = nearest_frame(clip.timeline_start, clip.rate);
    const std::int64_t end = nearest_frame(clip.timeline_start + clip.duration(), clip.rate);
    return {first, std::max(first, end - 1)};
}

std::int64_t frame_of(const TimelineItem &clip, Flicks media_time) {
    const auto [first, last] = frames_of_clip(clip);
    // Records may hold any times and speeds.
    const Flicks place = std::clamp(on_timeline(media_time - clip.source_in, clip.speed), -longest_time, longest_time);
    return std::clamp(nearest_frame(clip.timeline_start + place, clip.rate), first, last);
}

/// The markers of a timeline by name and frame.
class Places {
public:
    Places(const std::vector<Marker> &markers, const Ratio &rate) : used_(markers.size()) {
        for (std::size_t index = 0; index < markers.size(); ++index) {
            if (markers[index].scope.empty()) { // where markers of ours are
                by_name_[markers[index].name].emplace(nearest_frame(markers[index].time, rate), index);
            }
        }
    }

    struct Place {
        std::optional<std::size_t> free; ///< A marker that is nobody's yet.
        bool is_taken = false;           ///< There is one, and it is another beat's.
    };

    Place at(const std::string &name, std::int64_t frame, std::int64_t tolerance) const {
        Place place;
        const auto named = by_name_.find(name);
        if (named == by_name_.end()) {
            return place;
        }
        for (auto there = named->second.lower_bound(frame - tolerance);
             there != named->second.end() && there->first <= frame + tolerance; ++there) {
            if (!used_[there->second]) {
                place.free = there->second;
                return place;
            }
            place.is_taken = true;
        }
        return place;
    }

    /// Calls a function for all free markers of a name from one frame to another, with their frames.
    template <typename Function>
    void each(const std::string &name, std::int64_t from, std::int64_t to, Function function) const {
        const auto named = by_name_.find(name);
        if (named == by_name_.end()) {
            return;
        }
        for (auto there = named->second.lower_bound(from); there != named->second.end() && there->first <= to; ++there) {
            if (!used_[there->second]) {
                function(there->first, there->second);
            }
        }
    }

    void take(std::size_t marker) { used_[marker] = true; }
    bool is_taken(std::size_t marker) const { return used_[marker]; }

private:
    std::map<std::string, std::multimap<std::int64_t, std::size_t>> by_name_;
    std::vector<bool> used_;
};

/// How far, in frames, a marker may be from the frame of its beat without having been moved. Editors
/// round the frames of markers when the frame rate of a project is changed.
std::int64_t tolerance_of(const Placed &placed) {
    return is_same(placed.beats.rate, placed.made_for.rate) ? 0 : 1;
}

/// Finds the markers that are where they were written.
FoundMarkers unmoved(const Placed &placed, const std::optional<TimelineItem> &clip, Places &places) {
    const std::vector<ShownBeat> &beats = placed.beats.beats;
    const auto count = [&](const TimelineItem &base) {
        return std::count_if(beats.begin(), beats.end(), [&](const ShownBeat &beat) {
            return beat.marker != ShownBeat::Marker::none &&
                   places.at(name_of(beat), frame_of(base, beat.time), tolerance_of(placed)).free;
        });
    };
    FoundMarkers found;
    found.clip = placed.made_for;
    if (clip) {
        TimelineItem now = *clip;
        now.rate = placed.made_for.rate;
        found.clip = count(now) > count(placed.made_for) ? now : placed.made_for;
    }
    for (const ShownBeat &beat : beats) {
        found.markers.emplace_back();
        found.moved.push_back(false);
        if (beat.marker == ShownBeat::Marker::none) {
            continue;
        }
        const auto place = places.at(name_of(beat), frame_of(found.clip, beat.time), tolerance_of(placed));
        found.has_twin = found.has_twin || (!place.free && place.is_taken);
        found.markers.back() = place.free;
        if (place.free) {
            places.take(*place.free);
        }
    }
    return found;
}

/// Finds those that were moved: over the clip, each the nearest of its name.
void find_moved(const std::vector<Placed> &ours, std::vector<FoundMarkers> &found, Places &places) {
    std::vector<std::tuple<std::int64_t, std::size_t, std::size_t, std::size_t>> candidates;
    for (std::size_t own = 0; own < ours.size(); ++own) {
        const auto [first, last] = frames_of_clip(found[own].clip);
        const std::vector<ShownBeat> &beats = ours[own].beats.beats;
        for (std::size_t beat = 0; beat < beats.size(); ++beat) {
            if (beats[beat].marker != ShownBeat::Marker::own || found[own].markers[beat]) {
                continue;
            }
            const std::int64_t frame = frame_of(found[own].clip, beats[beat].time);
            // Editors snap to the end of a clip, which is the frame after it.
            places.each(name_of(beats[beat]), first, last + 1, [&](std::int64_t there, std::size_t marker) {
                candidates.emplace_back(std::abs(there - frame), own, beat, marker);
            });
        }
    }
    std::sort(candidates.begin(), candidates.end());
    for (const auto &[distance, own, beat, marker] : candidates) {
        if (!found[own].markers[beat] && !places.is_taken(marker)) {
            places.take(marker);
            found[own].markers[beat] = marker;
            found[own].moved[beat] = true;
        }
    }
}

void release(std::vector<FixedBeat> &fixed, Flicks time) {
    fixed.erase(std::remove_if(fixed.begin(), fixed.end(),
                               [&](const FixedBeat &beat) { return std::abs(beat.time - time) <= same_beat; }),
                fixed.end());
}

bool has_near(const std::vector<FixedBeat> &fixed, Flicks time) {
    return std::any_of(fixed.begin(), fixed.end(),
                       [&](const FixedBeat &beat) { return std::abs(beat.time - time) < nearest_beats; });
}

} // namespace

std::string spelled_beats(const ShownBeats &beats) {
    if (!beats.are_shown) {
        return "";
    }
    std::string text = spelled(beats.rate);
    for (const ShownBeat &beat : beats.beats) {
        using Kind = ShownBeat::Marker;
        const char mark = beat.marker == Kind::own        ? own_mark
                          : beat.marker == Kind::namesake ? namesake_mark
                                                          : none_mark;
        text += " " + std::to_string(beat.time) + mark + name_of(beat);
    }
    return text;
}

std::string spelled_fixed(const ShownBeats &beats) {
    std::string text;
    for (const FixedBeat &beat : beats.fixed) {
        text += (text.empty() ? "" : " ") + std::to_string(beat.time) +
                (beat.number > 0 ? ":" + std::to_string(beat.number) : "");
    }
    return text;
}

ShownBeats shown_beats_from(const std::string &beats, const std::string &fixed) {
    ShownBeats read;
    const std::vector<std::string> words = words_of(beats);
    read.are_shown = !words.empty();
    read.rate = words.empty() ? Ratio{} : ratio_from(words.front());
    for (std::size_t word = 1; word < words.size() && read.beats.size() < most_shown_beats; ++word) {
        const auto beat = beat_from(words[word]);
        const ShownBeat *last = read.beats.empty() ? nullptr : &read.beats.back();
        // Each name once: a marker belongs to one beat of a sound.
        if (beat && (last == nullptr || (beat->time > last->time && std::pair(beat->bar, beat->number) >
                                                                       std::pair(last->bar, last->number)))) {
            read.beats.push_back(*beat);
        }
    }
    for (const std::string &word : words_of(fixed)) {
        const std::size_t colon = word.find(':');
        const auto time = number_in(word.substr(0, colon), 0, longest_time);
        const auto number = colon == std::string::npos ? 0 : number_in(word.substr(colon + 1), 1, most_in_bar);
        const bool is_next = time && (read.fixed.empty() || *time > read.fixed.back().time);
        if (is_next && number && read.fixed.size() < most_shown_beats) {
            read.fixed.push_back({*time, *number});
        }
    }
    return read;
}

std::string name_of(const ShownBeat &beat) { return std::to_string(beat.bar) + "." + std::to_string(beat.number); }

Flicks marker_time(const TimelineItem &clip, Flicks media_time) {
    return flicks_of_frames(frame_of(clip, media_time), clip.rate);
}

bool FoundMarkers::is_moved() const { return std::find(moved.begin(), moved.end(), true) != moved.end(); }

bool FoundMarkers::is_empty() const {
    return std::none_of(markers.begin(), markers.end(), [](const auto &marker) { return marker.has_value(); });
}

std::vector<FoundMarkers> find_markers(const std::vector<Placed> &ours,
                                       const std::vector<std::optional<TimelineItem>> &clips,
                                       const std::vector<Marker> &markers) {
    std::vector<FoundMarkers> found;
    Places places(markers, ours.empty() ? Ratio{} : ours.front().made_for.rate);
    for (std::size_t own = 0; own < ours.size(); ++own) {
        found.push_back(unmoved(ours[own], clips[own], places));
    }
    find_moved(ours, found, places);
    return found;
}

ShownBeats after_edits(const Placed &placed, const FoundMarkers &found, const std::vector<Marker> &markers) {
    ShownBeats edited = placed.beats;
    const std::vector<ShownBeat> &beats = edited.beats;
    const bool had_markers = std::any_of(beats.begin(), beats.end(), [](const ShownBeat &beat) {
        return beat.marker != ShownBeat::Marker::none;
    });
    if (had_markers && found.is_empty()) {
        edited.are_shown = found.has_twin;
        return edited;
    }
    std::vector<FixedBeat> &fixed = edited.fixed;
    const auto is_gone = [&](std::size_t beat) {
        return beats[beat].marker != ShownBeat::Marker::none && !found.markers[beat];
    };
    std::set<std::size_t> to_stay;
    for (std::size_t beat = 0; beat < beats.size(); ++beat) {
        if (is_gone(beat) || found.moved[beat]) {
            release(fixed, beats[beat].time);
        }
    }
    for (std::size_t beat = 0; beat < beats.size(); ++beat) {
        if (!found.moved[beat]) {
            continue;
        }
        const Flicks end = flicks_of_frames(frames_of_clip(found.clip).second, found.clip.rate);
        const Flicks place = std::min(markers[*found.markers[beat]].time, end) - found.clip.timeline_start;
        const Flicks along = on_media(place, found.clip.speed);
        const Flicks time = std::clamp<Flicks>(found.clip.source_in + along, 0, longest_time);
        if (has_near(fixed, time)) {
            continue; // the library would refuse it, and the marker goes back
        }
        fixed.push_back({time, beats[beat].number});
        if (beat > 0 && beats[beat - 1].time < time) {
            to_stay.insert(beat - 1);
        }
        if (beat + 1 < beats.size() && beats[beat + 1].time > time) {
            to_stay.insert(beat + 1);
        }
        to_stay.insert({0, beats.size() - 1});
    }
    for (const std::size_t beat : to_stay) {
        if (!found.moved[beat] && !has_near(fixed, beats[beat].time)) {
            fixed.push_back({beats[beat].time, 0});
        }
    }
    const bool is_any_moved =
        std::any_of(fixed.begin(), fixed.end(), [](const FixedBeat &beat) { return beat.number > 0; });
    if (!is_any_moved || fixed.size() > most_shown_beats) {
        fixed.clear();
    }
    std::sort(fixed.begin(), fixed.end(), [](const FixedBeat &a, const FixedBeat &b) { return a.time < b.time; });
    return edited;
}

std::vector<ShownBeat> numbered(const std::vector<Beat> &beats, const TimelineItem &clip) {
    std::vector<ShownBeat> found;
    std::int64_t bar = 0, last = 0;
    for (const Beat &beat : beats) {
        if (beat.number < 1 || beat.number > most_in_bar || found.size() == most_shown_beats) {
            break;
        }
        bar += bar == 0 || beat.number <= last ? 1 : 0;
        last = beat.number;
        const Flicks time = clip.source_in + on_media(beat.time, clip.speed);
        found.push_back({std::clamp<Flicks>(time, 0, longest_time), bar, beat.number});
    }
    return found;
}

std::vector<Marker> arranged(ShownBeats &beats, const TimelineItem &clip, const std::vector<Marker> &others,
                             std::vector<Marker> &own) {
    const auto [first, last] = frames_of_clip(clip);
    std::map<std::int64_t, const Marker *> occupied;
    std::set<std::string> names;
    for (const Marker &other : others) {
        const std::int64_t frame = nearest_frame(other.time, clip.rate);
        if (!other.scope.empty()) {
            continue;
        }
        occupied.emplace(frame, &other);
        if (!other.is_ours && frame >= first && frame <= last) {
            names.insert(other.name);
        }
    }
    std::vector<Marker> markers;
    beats.rate = clip.rate;
    for (ShownBeat &beat : beats.beats) {
        using Kind = ShownBeat::Marker;
        const std::string name = name_of(beat);
        const Marker marker{marker_time(clip, beat.time), name, {}, true};
        const auto [there, is_free] = occupied.emplace(frame_of(clip, beat.time), nullptr);
        const Marker *present = there->second;
        const bool is_left_over = present != nullptr && !present->is_ours && present->name == name;
        if (is_left_over) {
            own.push_back(*present);
            there->second = nullptr;
        }
        const bool has_namesake = !is_left_over && names.count(name) > 0;
        beat.marker = !is_free && !is_left_over ? Kind::none : has_namesake ? Kind::namesake : Kind::own;
        if (beat.marker != Kind::none) {
            markers.push_back(is_left_over ? own.back() : marker);
            markers.back().is_ours = true;
        }
    }
    return markers;
}

} // namespace kinescore::bridge
