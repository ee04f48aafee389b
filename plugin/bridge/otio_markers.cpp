/*
 * Markers of OpenTimelineIO: on clips, tracks and stacks, each in the time of its owner.
 */
#include "otio.hpp"
#include "otio_reader.hpp"

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
    for (const Json &marker : *markers) {
        if (schema_of(marker) != "Marker") {
            continue;
        }
        try {
            const auto marked = range(marker, "marked_range");
            if (marked && marked->is_known) {
                found.push_back({checked(zero + marked->start), string_of(marker, "name"), scope});
            }
        } catch (const Problem &) {
            continue; // the clips can have their soundtracks without it
        }
    }
}

} // namespace otio

std::vector<Marker> OtioProject::markers() {
    const Json json = parsed_json(file_.bytes());
    const otio::Chosen chosen = otio::choose(file_.path(), json, timeline_);
    return otio::Reader(file_.path(), file_.folder(), *chosen.timeline).markers();
}

} // namespace kinescore::bridge
