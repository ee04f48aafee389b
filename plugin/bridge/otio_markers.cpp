/*
 * Markers of OpenTimelineIO: on clips, tracks and stacks, each in the time of its owner.
 */
#include "markers.hpp"
#include "otio.hpp"
#include "otio_reader.hpp"
#include "ratio.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kinescore::bridge {

namespace otio {

std::vector<Marker> Reader::markers() const {
    std::vector<Marker> found;
    const Flicks start = -trimmed(stack());
    add_markers(stack(), start, "", found);
    int number = 0;
    for (const Json &track : children(stack())) {
        if (is_of_kind(track, "Video")) {
            walk_markers(track, start, "v" + std::to_string(number), 0, found);
            ++number;
        }
    }
    return found;
}

void Reader::walk_markers(const Json &item, Flicks at, const std::string &id, int depth,
                          std::vector<Marker> &found) const {
    const std::string_view schema = schema_of(item);
    if (schema == "Clip") {
        const auto own = range(item, "source_range");
        const Range used = own ? *own : available(item).value_or(Range{});
        if (used.is_known) {
            add_markers(item, at - used.start, id, found);
        }
        return;
    }
    const bool is_track = schema == "Track" && is_of_kind(item, "Video");
    check_depth(depth);
    if (!is_track && schema != "Stack") {
        return;
    }
    Flicks child_at = at - trimmed(item);
    add_markers(item, child_at, id, found);
    std::size_t number_of_child = 0;
    for (const Json &child : children(item)) {
        walk_markers(child, child_at, id + "/" + std::to_string(number_of_child++), depth + 1, found);
        child_at = checked(child_at + (is_track ? length(child, depth + 1) : 0));
    }
}

void Reader::add_markers(const Json &item, Flicks zero, const std::string &scope, std::vector<Marker> &found) const {
    const Json *markers = member(item, "markers");
    if (markers == nullptr || !markers->is_array()) {
        return;
    }
    for (const Json &one : *markers) {
        if (auto marker = marker_at(one, zero, scope)) {
            found.push_back(std::move(*marker));
        }
    }
}

std::optional<Marker> Reader::marker_at(const Json &json, Flicks zero, const std::string &scope) const {
    try {
        const auto marked = schema_of(json) == "Marker" ? range(json, "marked_range") : std::nullopt;
        if (marked && marked->is_known) {
            return Marker{checked(zero + marked->start), string_of(json, "name"), scope};
        }
    } catch (const Problem &) {
        return std::nullopt; // the clips can have their soundtracks without it
    }
    return std::nullopt;
}

Json Reader::marker_json(const Marker &marker) const {
    const FrameRate frames = rate();
    const double at = frames_of(marker.time + trimmed(stack()), frames.exact);
    const double whole = std::round(at);
    Json marked = range_json(0, frames);
    marked["start_time"] = time_json(std::abs(at - whole) < 1e-6 ? whole : at, frames.spelled);
    return {{"OTIO_SCHEMA", "Marker.2"},
            {"metadata", {{our_key, {{"beat", true}}}}},
            {"name", marker.name},
            {"color", "CYAN"},
            {"marked_range", marked},
            {"comment", ""}};
}

} // namespace otio

std::vector<Marker> OtioProject::markers() {
    const Json json = parsed_json(file_.bytes());
    const otio::Chosen chosen = otio::choose(file_.path(), json, timeline_);
    return otio::Reader(file_.path(), file_.folder(), *chosen.timeline).markers();
}

void OtioProject::change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) {
    const std::size_t removed_before = removed_markers_.size(), added_before = added_markers_.size();
    removed_markers_.insert(removed_markers_.end(), removed.begin(), removed.end());
    added_markers_.insert(added_markers_.end(), added.begin(), added.end());
    try {
        text();
    } catch (...) {
        removed_markers_.resize(removed_before);
        added_markers_.resize(added_before);
        throw;
    }
}

std::string OtioProject::text() const {
    const std::string text = text_of_tracks();
    if (removed_markers_.empty() && added_markers_.empty()) {
        return text;
    }
    const Json json = parsed_json(text);
    const otio::Chosen chosen = otio::choose(file_.path(), json, timeline_);
    const std::string folder = file_.folder();
    const otio::Reader reader(file_.path(), folder, *chosen.timeline);
    const JsonScanner scanner(text);
    const JsonStyle style(text, scanner);
    std::size_t root = scanner.root();
    int depth = 2; // of the stack's members
    for (const std::size_t place : chosen.way) {
        root = scanner.elements(scanner.value(root, "children").value().begin).at(place).begin;
        depth += 2;
    }
    const std::size_t stack = scanner.value(root, "tracks").value().begin;
    const auto list = scanner.value(stack, "markers");
    const Json *markers = otio::member(reader.stack(), "markers");
    if (markers != nullptr && !markers->is_array()) {
        reader.fail("\"markers\" of the stack of tracks must be a list, so that beats can be added to it");
    }
    MarkersToRemove removed(removed_markers_);
    std::vector<bool> kept;
    for (std::size_t index = 0; markers != nullptr && index < markers->size(); ++index) {
        const auto marker = reader.marker((*markers)[index]);
        kept.push_back(!marker || !removed.take(*marker));
    }
    std::vector<std::string> added;
    for (const Marker &marker : added_markers_) {
        added.push_back(style.write(reader.marker_json(marker), depth + 1));
    }
    const std::string lead = style.lead(depth + 1, true), tail = style.line(depth);
    if (markers != nullptr) {
        const bool is_empty = added.empty() && std::find(kept.begin(), kept.end(), true) == kept.end();
        return is_empty ? text.substr(0, list->begin) + "[]" + text.substr(list->end)
                        : changed_list(text, list->begin, kept, added, lead, tail);
    }
    if (added.empty()) {
        return text;
    }
    const std::string whole = changed_list("[]", 0, {}, added, lead, tail);
    return list ? text.substr(0, list->begin) + whole + text.substr(list->end) // null
                : text.substr(0, stack + 1) + style.lead(depth, true) + style.member("markers", whole) + "," +
                      text.substr(stack + 1);
}

} // namespace kinescore::bridge
