// The visible clips on a timeline of MLT, including those of nested timelines.

#include "mlt_timeline.hpp"
#include "ratio.hpp"
#include "url.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

/// Maximum number of pieces of nested timelines that are followed: a few lines of a project can
/// nest billions.
constexpr std::size_t most_followed = 200'000;

/// Whether a media name is a numbered picture sequence, in the notation of pixbuf and qimage.
bool is_sequence(const std::string &resource) {
    return resource.find("/.all.") != std::string::npos || resource.find('%') != std::string::npos ||
           resource.find("?begin=") != std::string::npos;
}

} // namespace

/// The video stream that a producer of FFmpeg shows: `vstream` counts the video streams and has
/// priority, `video_index` counts all streams.
StreamChoice MltTimeline::stream_of(pugi::xml_node producer) const {
    for (const auto &[name, of_video] : {std::pair("vstream", true), std::pair("video_index", false)}) {
        const auto number = whole_number(property(producer, name));
        if (number && *number >= 0 && *number <= std::numeric_limits<int>::max()) {
            return {static_cast<int>(*number), of_video};
        }
    }
    return {};
}

/// The file that a producer plays; not the proxy shown while editing.
std::string MltTimeline::original_of(pugi::xml_node producer) const {
    const std::string resource = property(producer, "resource");
    if (property(producer, "kdenlive:proxy").size() > 1) {
        const std::string original = property(producer, "kdenlive:originalurl");
        return original.empty() ? resource : original;
    }
    if (property(producer, "shotcut:proxy") == "1") {
        for (const char *name : {"shotcut:originalResource", "shotcut:resource"}) {
            if (const std::string original = property(producer, name); !original.empty()) {
                return original;
            }
        }
    }
    return resource;
}

/// The video that a producer shows; none if nothing in it moves, as in sound, stills, titles and
/// colours.
std::optional<MltTimeline::Media> MltTimeline::video_of(pugi::xml_node producer) const {
    const std::string service = property(producer, "mlt_service");
    std::string resource = original_of(producer);
    Media media;
    const auto unfit = [&](const std::string &reason) { media.unfit = media.unfit.empty() ? reason : media.unfit; };
    if (service == "timewarp") {
        const std::size_t colon = resource.find(':');
        const bool is_warped = resource == property(producer, "resource") && colon != std::string::npos;
        const std::string speed = property(producer, "warp_speed");
        const std::string text = speed.empty() && is_warped ? resource.substr(0, colon) : speed;
        if (const auto ratio = decimal(text)) {
            media.speed = *ratio;
        } else {
            unfit(!text.empty() && text.front() == '-'
                      ? "it is played backwards"
                      : "it is played at a speed of \"" + text + "\", which is not a number above 0");
        }
        const std::string warped = property(producer, "warp_resource");
        resource = !is_warped ? resource : warped.empty() ? resource.substr(colon + 1) : warped;
    } else if ((service == "qimage" || service == "pixbuf") && is_sequence(resource)) {
        unfit("it is a sequence of stills, not a video");
    } else if (service == "xml" || service == "xml-nogl" || service == "xml-clip" || service == "consumer") {
        media.is_project = true;
        media.has_own_rate = service == "consumer";
    } else if (!service.empty() && service != "avformat" && service != "avformat-novalidate") {
        return std::nullopt;
    }
    if (is_remapped(producer)) {
        unfit("its speed changes on the way (time remapping)");
    }
    for (const std::string prefix : {"avformat-novalidate:", "avformat:", "xml:", "consumer:"}) {
        if (resource.compare(0, prefix.size(), prefix) == 0) {
            resource = resource.substr(prefix.size());
        }
    }
    if (scheme_of(resource) == "file") {
        // MLT does not decode the rest, most programs that write such a name have encoded it: the
        // existing file decides.
        std::error_code error;
        const std::string plain = local_part(resource).value_or("");
        const bool is_plain = fs::path(plain).is_absolute() && fs::exists(plain, error);
        const std::string path = is_plain ? plain : path_of(resource, root_);
        resource = path.empty() ? resource : path;
    }
    bool tells_streams = false, has_video = false;
    for (const pugi::xml_node node : producer.children("property")) {
        const std::string name = node.attribute("name").value();
        if (name.compare(0, 11, "meta.media.") == 0 && name.size() > 12 &&
            name.compare(name.size() - 12, 12, ".stream.type") == 0) {
            tells_streams = true;
            has_video = has_video || std::strcmp(node.text().get(), "video") == 0;
        }
    }
    const bool is_hidden = property(producer, "video_index") == "-1" || property(producer, "vstream") == "-1" ||
                           property(producer, "set.test_image") == "1";
    const Looks looks = looks_of(resource);
    if (resource.empty() || is_hidden || (tells_streams && !has_video) || looks == Looks::like_sound ||
        (looks == Looks::like_still && !is_sequence(resource))) {
        return std::nullopt;
    }
    media.is_project = media.is_project || looks == Looks::like_project;
    media.path = media_path_of(resource);
    // The streams of a proxy are not those of the original.
    if (original_of(producer) == property(producer, "resource")) {
        media.stream = stream_of(producer);
    }
    if (resource.find("://") != std::string::npos || (media.path == resource && is_path_of_windows(resource))) {
        media.is_elsewhere = media.unfit.empty();
        unfit(why_not_here(resource));
    }
    return media;
}

/// The video that an entry shows, or why it cannot be given a soundtrack; none for anything that is
/// not a video or has clips of its own.
std::optional<MltTimeline::Media> MltTimeline::media_of(const Piece &piece) const {
    if (!piece.producer) {
        Media none;
        none.unfit = "it plays \"" + std::string(piece.node.attribute("producer").value()) +
                     "\", which is not in the project";
        return none;
    }
    if (!is_named(piece.producer, "producer") && !is_named(piece.producer, "chain")) {
        return std::nullopt;
    }
    auto media = video_of(piece.producer);
    if (media && piece.is_beyond && (media->unfit.empty() || media->is_elsewhere)) {
        media->unfit = "it lies after the end of its media";
        media->is_elsewhere = false;
    }
    return media;
}

std::string MltTimeline::name_of(const Piece &piece, const Media &media) const {
    std::string name = file_name_of(media.path);
    for (const char *title : {"kdenlive:clipname", "shotcut:caption", "shotcut:name"}) {
        const std::string given = property(piece.producer, title);
        name = given.empty() ? name : given;
    }
    if (name.empty()) {
        name = piece.node.attribute("producer").value();
    }
    return name.empty() ? piece.producer.attribute("id").value() : name;
}

/// The pieces of a playlist; for anything else, one piece that covers all of it.
std::vector<Piece> MltTimeline::pieces_of(pugi::xml_node played) const {
    if (is_named(played, "playlist")) {
        return pieces(played);
    }
    Piece whole;
    whole.node = played;
    whole.producer = played;
    whole.length = length_of(played).value_or(0);
    whole.is_open = whole.length < 1;
    return {whole};
}

/// The visible parts of a timeline nested in another: its playlists, and whatever else its tracks
/// play.
std::vector<pugi::xml_node> MltTimeline::seen_in(pugi::xml_node timeline) const {
    if (is_named(timeline, "playlist")) {
        return {timeline};
    }
    std::vector<pugi::xml_node> seen;
    for (const pugi::xml_node track : tracks_of(timeline)) {
        const std::string hidden = track.attribute("hide").value();
        const pugi::xml_node played = played_by(track);
        const bool is_sound =
            property(played, "shotcut:audio") == "1" || property(played, "kdenlive:audio_track") == "1";
        if (played && !is_sound && hidden != "video" && hidden != "both") {
            seen.push_back(played);
        }
    }
    return seen;
}

/// Adds the clips visible in a piece.
void MltTimeline::show(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const {
    if (piece.is_blank || is_ours(piece.producer)) {
        return;
    }
    if (piece.repeat > 1) {
        show_repeated(piece, view, found);
        return;
    }
    const bool is_timeline = is_named(piece.producer, "tractor") || is_named(piece.producer, "playlist") ||
                             is_named(piece.producer, "multitrack");
    if (is_timeline && !property_node(piece.producer, "shotcut:transition")) {
        show_timeline(piece, view, found);
        return;
    }
    auto media = media_of(piece);
    if (!media || (piece.length < 1 && !piece.is_open)) {
        return;
    }
    if (piece.is_open && (media->unfit.empty() || media->is_elsewhere)) {
        media->unfit = piece.fault.empty() ? "the project does not say how long it is" : piece.fault;
        media->is_elsewhere = false;
    }
    if (media->is_project && (media->unfit.empty() || media->is_elsewhere)) {
        show_project(piece, *media, view, found);
    } else {
        add_item(piece, *media, view, found);
    }
}

/// Adds the clips visible in a piece that is played several times: those of each time.
void MltTimeline::show_repeated(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const {
    Piece one = piece;
    one.repeat = 1;
    one.length = piece.length / piece.repeat;
    const std::size_t before = found.size();
    for (Frames time = std::max<Frames>(view.begin - piece.start, 0) / one.length; time < piece.repeat; ++time) {
        one.start = piece.start + time * one.length;
        if (one.start >= view.end) {
            return;
        }
        if (followed_ >= most_followed) {
            Media none;
            none.unfit = "it is repeated " + std::to_string(piece.repeat) + " times, and so many are not read";
            if (found.size() > before) {
                one.length *= piece.repeat - time;
                add_item(one, none, view, found);
            }
            return;
        }
        ++followed_;
        show(one, view, found);
    }
}

/// Adds the clips visible in a timeline of this project.
void MltTimeline::show_timeline(const Piece &piece, const View &view, std::vector<TimelineItem> &found) const {
    Media none;
    const auto &around = view.around;
    if (!piece.fault.empty()) {
        none.unfit = piece.fault;
    } else if (std::find(around.begin(), around.end(), piece.producer) != around.end()) {
        none.unfit = "it is a timeline that contains itself";
    } else if (around.size() > deepest_timelines) {
        none.unfit = "it is a timeline in more than " + std::to_string(deepest_timelines) +
                     " others (nested), and so many are not read";
    } else if (followed_ >= most_followed) {
        none.unfit = "it is a nested timeline, and the project has too many of these to read";
    }
    if (!none.unfit.empty()) {
        add_item(piece, none, view, found);
        return;
    }
    View inner;
    const Frames begin = std::max(piece.start, view.begin);
    inner.begin = piece.in + begin - piece.start + attribute_time(piece.producer, "in").value_or(0);
    const Frames end = piece.is_open ? view.end : std::min(piece.start + piece.length, view.end);
    inner.end = inner.begin + end - begin;
    inner.shift = view.shift + begin - inner.begin;
    inner.track = view.track;
    inner.around = around;
    inner.around.push_back(piece.producer);
    for (const pugi::xml_node played : seen_in(piece.producer)) {
        const std::vector<Piece> on_it = pieces_of(played);
        followed_ += on_it.size() + 1;
        for (const Piece &one : on_it) {
            if (one.start < inner.end && (one.start + one.length > inner.begin || one.is_open)) {
                show(one, inner, found);
            }
        }
    }
}

const MltTimeline::NestedProject &MltTimeline::nested_project(const std::string &path) const {
    const auto [place, is_new] = nested_projects_.try_emplace(path);
    if (is_new) {
        NestedProject &project = place->second;
        try {
            if (nested_) {
                project.items = nested_(path);
            } else {
                project.unfit = "it is a nested project";
            }
        } catch (const Problem &problem) {
            project.unfit = std::string("it is a nested project, which cannot be read: ") +
                            problem.what();
        }
    }
    return place->second;
}

/// Adds the clips visible in a project that is a clip of this one.
void MltTimeline::show_project(const Piece &piece, const Media &media, const View &view,
                               std::vector<TimelineItem> &found) const {
    std::error_code error;
    Media none = media;
    if (media.is_elsewhere || !fs::is_regular_file(media.path, error)) {
        none.unfit = media.unfit.empty() ? "it is a nested project, which is missing" : media.unfit;
        none.is_elsewhere = false; // finding it elsewhere would not be enough: it has media too
        add_item(piece, none, view, found);
        return;
    }
    const NestedProject &project = nested_project(media.path);
    none.unfit = project.unfit;
    const bool has_other_rate = !media.has_own_rate && !project.items.empty() &&
                                !is_same(project.items.front().rate, clock_.rate());
    if (media.speed.numerator != media.speed.denominator) {
        none.unfit = "it is a nested project that is not played at its own speed";
    } else if (has_other_rate) {
        none.unfit = "it is a nested project with another frame rate";
    } else if (followed_ >= most_followed) {
        none.unfit = "it is a nested project, and there are too many of these to read";
    }
    if (!none.unfit.empty()) {
        add_item(piece, none, view, found);
        return;
    }
    followed_ += project.items.size() + 1;
    const Frames first = std::max(piece.start, view.begin);
    const Frames last = std::min(piece.start + piece.length, view.end);
    const Flicks begin =
        clock_.flicks(piece.in + first - piece.start + attribute_time(piece.producer, "in").value_or(0));
    const Flicks end = begin + clock_.flicks(last) - clock_.flicks(first);
    const Flicks shift = clock_.flicks(first + view.shift) - begin;
    for (TimelineItem item : project.items) {
        const Flicks item_end = item.timeline_start + item.duration();
        const Flicks from = std::max(item.timeline_start, begin);
        const Flicks to = std::min(item_end, end);
        if (from >= to && (item.unfit.empty() || item.duration() > 0)) {
            continue;
        }
        if (to < item_end) {
            item.source_out = item.source_in + on_media(to - item.timeline_start, item.speed);
        }
        item.source_in += on_media(from - item.timeline_start, item.speed);
        item.timeline_start = from + shift;
        item.rate = clock_.rate();
        item.track = view.track;
        found.push_back(std::move(item));
    }
}

/// Adds one visible clip.
void MltTimeline::add_item(const Piece &piece, const Media &media, const View &view,
                           std::vector<TimelineItem> &found) const {
    const Frames begin = std::max(piece.start, view.begin);
    const Frames end = std::max(std::min(piece.start + piece.length, view.end), begin);
    // The entries of a producer that is itself cut are counted from the cut.
    const Frames in = attribute_time(piece.producer, "in").value_or(0) + piece.in + begin - piece.start;
    TimelineItem item;
    item.name = name_of(piece, media);
    item.media_path = media.path;
    item.source_in = on_media(clock_.flicks(in), media.speed);
    item.source_out = on_media(clock_.flicks(in + end - begin), media.speed);
    item.timeline_start = clock_.flicks(begin + view.shift);
    item.rate = clock_.rate();
    item.speed = media.speed;
    item.stream = media.stream;
    item.track = view.track;
    item.unfit = media.unfit;
    item.is_elsewhere = media.is_elsewhere;
    found.push_back(std::move(item));
}

std::vector<TimelineItem> MltTimeline::items() {
    followed_ = 0;
    std::map<int, std::vector<TimelineItem>> tracks;
    for (const Lane &lane : lanes()) {
        if (lane.video < 0) {
            continue;
        }
        View view;
        view.end = clock_.nearest(longest_time);
        view.track = lane.video;
        view.around = {timeline()};
        for (const Piece &piece : pieces_of(lane.playlist)) {
            show(piece, view, tracks[lane.video]);
        }
    }
    std::vector<TimelineItem> all;
    for (auto &[video, found] : tracks) {
        std::stable_sort(found.begin(), found.end(), [](const TimelineItem &a, const TimelineItem &b) {
            return a.timeline_start < b.timeline_start;
        });
        std::size_t number = 0;
        for (TimelineItem &item : found) {
            item.id = std::to_string(video + 1) + "." + std::to_string(++number);
            all.push_back(std::move(item));
        }
    }
    return all;
}

} // namespace kinescore::bridge
