#include "otio.hpp"

#include "json_text.hpp"
#include "memory.hpp"
#include "otio_reader.hpp"
#include "ratio.hpp"
#include "track_title.hpp"
#include "url.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

namespace kinescore::bridge {

namespace fs = std::filesystem;
using namespace otio;

namespace {

/// Marks a sound whose relative URL is percent-encoded; earlier versions wrote plain paths.
constexpr const char *encoded_field = "encoded";

/// A field of our metadata as text: numbers and the settings object by their values.
std::string text_of(const Json &own, const char *name) {
    const Json *found = member(own, name);
    return found == nullptr ? "" : found->is_string() ? found->get<std::string>() : dumped(*found);
}

Json parsed(const std::string &path, const std::string &bytes) {
    try {
        return parsed_json(bytes);
    } catch (const std::runtime_error &error) {
        throw Problem(Problem::Kind::input, path + ": is not JSON that can be read as OpenTimelineIO: " + error.what());
    }
}

} // namespace

// ---- our tracks

struct OtioProject::Model {
    /// A child of a track.
    struct Piece {
        std::string text; ///< As in the file; "" for an added one.
        Json json;        ///< For an added one, and for our sound.
        Flicks length = 0;
        std::string id; ///< For our sound.
        bool is_gap = false;
        bool is_cut = false; ///< For our sound: a user has cut off its beginning.
    };

    /// A track that holds our sound, or did.
    struct Track {
        std::optional<std::size_t> place; ///< In the stack; none for an added track.
        Span children;                    ///< In the text.
        std::string name;
        std::vector<Piece> pieces;
        Flicks trimmed = 0;
        bool own = false; ///< It holds, or held, nothing but our sound.
        bool changed = false;

        Flicks begin(std::size_t index) const {
            Flicks begin = -trimmed;
            for (std::size_t before = 0; before < index; ++before) {
                begin += pieces[before].length;
            }
            return begin;
        }

        bool is_empty() const {
            return std::all_of(pieces.begin(), pieces.end(), [](const Piece &piece) { return piece.is_gap; });
        }
    };

    struct TrackPlace {
        Track *track = nullptr;
        std::size_t index = 0;
    };

    Model(const ProjectFile &file, const Json &json, const std::string &timeline);

    void read_tracks(const Reader &reader, const std::string &text);
    Track read_track(const Reader &reader, const std::string &text, const Json &track, Span span);
    Placed placed(const Piece &piece, Flicks begin) const;
    Placed placed(const TrackPlace &found) const;
    TrackPlace find(const std::string &id);
    TrackPlace find_same(const Placed &wanted);
    bool is_same(const Placed &present, const Placed &wanted) const;
    static bool is_free(const Track &track, Flicks begin, Flicks end);
    Track &track_for(Flicks begin, Flicks end, Track *preferred);
    Json clip_json(const Placed &placed, Flicks length, Json clip) const;
    Json metadata_json(const Placed &placed) const;
    void take_out(const TrackPlace &found);
    void put_in(Track &track, Flicks begin, Piece piece);
    static void tidy(Track &track);
    void take_ids(const Model &other);
    std::string children_text(const Track &track) const;
    std::string track_text(const Track &track) const;

    std::string folder;
    FrameRate rate;
    Naming naming = Naming::url;
    bool old_clips = false; ///< The file's clips have schema 1, so its reader may know no other.
    std::vector<TimelineItem> items;
    std::vector<Track> tracks;
    JsonStyle style;
    Span stack_children;     ///< In the text.
    std::vector<Span> stack; ///< Its children in the text.
    int depth = 0;           ///< Of the timeline in the text: 0 if it is the whole text.
    int next_id = 0;
};

OtioProject::Model::Model(const ProjectFile &file, const Json &json, const std::string &timeline)
    : folder(file.folder()) {
    const Chosen chosen = choose(file.path(), json, timeline);
    const Reader reader(file.path(), folder, *chosen.timeline);
    rate = reader.rate();
    items = reader.items(rate.exact);
    naming = reader.naming();
    old_clips =
        file.bytes().find("\"Clip.2\"") == std::string::npos && file.bytes().find("\"Clip.1\"") != std::string::npos;
    const JsonScanner scanner(file.bytes());
    style = JsonStyle(file.bytes(), scanner);
    std::size_t root = scanner.root();
    for (const std::size_t place : chosen.way) {
        const auto inside = scanner.value(root, "children");
        const std::vector<Span> elements = inside ? scanner.elements(inside->begin) : std::vector<Span>();
        if (place >= elements.size()) {
            reader.fail("a collection has its \"children\" twice; it must have them once");
        }
        root = elements[place].begin;
        depth += 2;
    }
    const auto tracks_object = scanner.value(root, "tracks");
    const auto children = scanner.value(tracks_object.value_or(Span{}).begin, "children");
    if (!children || file.bytes()[children->begin] != '[') {
        reader.fail("the stack of tracks has no \"children\"; it must have a list of tracks");
    }
    stack_children = *children;
    stack = scanner.elements(children->begin);
    if (stack.size() != reader.children(reader.stack()).size()) {
        reader.fail("the stack of tracks has its \"children\" twice; it must have them once");
    }
    read_tracks(reader, file.bytes());
}

void OtioProject::Model::read_tracks(const Reader &reader, const std::string &text) {
    const Json &children = reader.children(reader.stack());
    const Flicks trimmed = reader.trimmed(reader.stack());
    for (std::size_t index = 0; index < children.size(); ++index) {
        const Json &track = children[index];
        if (!reader.is_of_kind(track, "Audio")) {
            continue;
        }
        const Json *metadata = member(track, "metadata");
        const bool marked = metadata != nullptr && member(*metadata, our_key) != nullptr;
        const Json &list = reader.children(track);
        if (marked ||
            std::any_of(list.begin(), list.end(), [](const Json &item) { return our_metadata(item) != nullptr; })) {
            Track found = read_track(reader, text, track, stack[index]);
            found.place = index;
            found.trimmed += trimmed;
            found.own = marked;
            tracks.push_back(std::move(found));
        }
    }
    // Programs that drop a track's metadata keep that of its clips.
    for (Track &track : tracks) {
        track.own = track.own || (is_track_title(track.name) &&
                                  std::all_of(track.pieces.begin(), track.pieces.end(),
                                              [](const Piece &piece) { return piece.is_gap || !piece.id.empty(); }));
    }
}

OtioProject::Model::Track OtioProject::Model::read_track(const Reader &reader, const std::string &text,
                                                         const Json &track, Span span) {
    const JsonScanner scanner(text);
    Track found;
    found.name = string_of(track, "name");
    found.trimmed = reader.trimmed(track);
    const auto children = scanner.value(span.begin, "children");
    if (!children || text[children->begin] != '[') {
        reader.fail(Reader::name(track) + " has no \"children\"; it must have a list");
    }
    found.children = *children;
    const std::vector<Span> spans = scanner.elements(children->begin);
    const Json &list = reader.children(track);
    if (spans.size() != list.size()) {
        reader.fail(Reader::name(track) + " has its \"children\" twice; it must have them once");
    }
    for (std::size_t index = 0; index < spans.size(); ++index) {
        Piece piece;
        piece.text = text.substr(spans[index].begin, spans[index].end - spans[index].begin);
        piece.length = reader.length(list[index]);
        piece.is_gap = schema_of(list[index]) == "Gap";
        if (our_metadata(list[index]) != nullptr) {
            piece.json = list[index];
            piece.is_cut = reader.is_cut(list[index]);
            piece.id = "s" + std::to_string(next_id++);
        }
        found.pieces.push_back(std::move(piece));
    }
    return found;
}

Placed OtioProject::Model::placed(const Piece &piece, Flicks begin) const {
    const Json &own = *our_metadata(piece.json);
    const Json *reference = media_reference(piece.json);
    Placed placed = recalled([&](const char *name) { return text_of(own, name); });
    placed.id = piece.id;
    const Json *encoded = member(own, encoded_field);
    const bool is_encoded = encoded != nullptr && encoded->is_boolean() && encoded->get<bool>();
    placed.wav = reference == nullptr ? "" : path_of(string_of(*reference, "target_url"), folder, is_encoded);
    TimelineItem &item = placed.made_for;
    item.media_path = media_path_of(item.media_path, folder);
    item.rate = rate.exact;
    // Lengths in frames cannot represent every flick.
    placed.timeline_start = is_near(begin, item.timeline_start) ? item.timeline_start : begin;
    placed.duration = is_near(piece.length, item.duration()) ? item.duration() : piece.length;
    placed.is_cut = piece.is_cut;
    return placed;
}

Placed OtioProject::Model::placed(const TrackPlace &found) const {
    return placed(found.track->pieces[found.index], found.track->begin(found.index));
}

OtioProject::Model::TrackPlace OtioProject::Model::find(const std::string &id) {
    for (Track &track : tracks) {
        for (std::size_t index = 0; index < track.pieces.size(); ++index) {
            if (!track.pieces[index].id.empty() && track.pieces[index].id == id) {
                return {&track, index};
            }
        }
    }
    return {};
}

OtioProject::Model::TrackPlace OtioProject::Model::find_same(const Placed &wanted) {
    for (Track &track : tracks) {
        for (std::size_t index = 0; index < track.pieces.size(); ++index) {
            const Piece &piece = track.pieces[index];
            if (!piece.id.empty() && string_of(*our_metadata(piece.json), "key") == wanted.key &&
                is_same(placed(piece, track.begin(index)), wanted)) {
                return {&track, index};
            }
        }
    }
    return {};
}

bool OtioProject::Model::is_same(const Placed &present, const Placed &wanted) const {
    const TimelineItem &a = present.made_for;
    const TimelineItem &b = wanted.made_for;
    return !present.is_cut && present.wav == wanted.wav && present.key == wanted.key &&
           present.settings == wanted.settings && present.beats == wanted.beats &&
           is_near(present.timeline_start, wanted.timeline_start) && is_near(present.duration, wanted.duration) &&
           a.media_path == b.media_path && a.source_in == b.source_in && a.source_out == b.source_out &&
           a.timeline_start == b.timeline_start && spelled(a.speed) == spelled(b.speed) && a.name == b.name &&
           a.track == b.track;
}

bool OtioProject::Model::is_free(const Track &track, Flicks begin, Flicks end) {
    Flicks at = -track.trimmed;
    for (const Piece &piece : track.pieces) {
        const Flicks piece_end = at + piece.length;
        if (!piece.is_gap && piece.length > 0 && at < end - slack && piece_end > begin + slack) {
            return false;
        }
        at = piece_end;
    }
    return begin >= -track.trimmed;
}

OtioProject::Model::Track &OtioProject::Model::track_for(Flicks begin, Flicks end, Track *preferred) {
    if (preferred != nullptr && is_free(*preferred, begin, end)) {
        return *preferred;
    }
    std::set<std::string> names;
    for (Track &track : tracks) {
        if (track.own && is_free(track, begin, end)) {
            return track;
        }
        names.insert(track.name);
    }
    Track added;
    added.own = true;
    added.name = free_track_title([&](const std::string &title) { return names.count(title) != 0; });
    tracks.push_back(std::move(added));
    return tracks.back();
}

Json OtioProject::Model::metadata_json(const Placed &placed) const {
    Json own = Json::object();
    for (const auto &[name, value] : remembered(placed)) {
        own[name] = value;
    }
    // As JSON, for people who read the file: an object and numbers.
    own["settings"] = Json::object();
    for (const auto &[key, value] : placed.settings) {
        own["settings"][key] = value;
    }
    const std::string &media = placed.made_for.media_path;
    own["media"] = fs::path(media).is_absolute() ? plain_name_of(media, folder, naming) : media;
    own[encoded_field] = true;
    for (const char *name : {"in", "out", "start", "track"}) {
        own[name] = *whole_number(own[name].get<std::string>());
    }
    return own;
}

/// The clip of a sound; `clip` is the one that it replaces, with all its changes from an editor, or
/// null.
Json OtioProject::Model::clip_json(const Placed &placed, Flicks length, Json clip) const {
    const Json *old_reference = clip.is_null() ? nullptr : media_reference(clip);
    // The length is in the timeline's rate: FCP XML uses the rate of this range for that of the
    // clip.
    Json reference = old_reference != nullptr && old_reference->is_object()
                         ? *old_reference
                         : Json{{"OTIO_SCHEMA", "ExternalReference.1"}, {"metadata", Json::object()}, {"name", ""}};
    reference["available_range"] = range_json(length, rate);
    reference["target_url"] = url_of(placed.wav, folder, naming);
    if (clip.is_null()) {
        clip = {{"OTIO_SCHEMA", old_clips ? "Clip.1" : "Clip.2"},
                {"metadata", Json::object()},
                {"name", fs::path(placed.wav).stem().string()},
                {"source_range", nullptr},
                {"effects", Json::array()},
                {"markers", Json::array()},
                {"enabled", true}};
    }
    clip["metadata"][our_key] = metadata_json(placed);
    clip["source_range"] = range_json(length, rate);
    if (clip["OTIO_SCHEMA"] == "Clip.1") {
        clip["media_reference"] = reference;
        return clip;
    }
    const std::string active = string_of(clip, "active_media_reference_key");
    const std::string key = active.empty() ? "DEFAULT_MEDIA" : active;
    if (member(clip, "media_references") == nullptr || !clip["media_references"].is_object()) {
        clip["media_references"] = Json::object();
    }
    clip["media_references"][key] = reference;
    clip["active_media_reference_key"] = key;
    return clip;
}

void OtioProject::Model::take_out(const TrackPlace &found) {
    Piece gap;
    gap.is_gap = true;
    gap.length = found.track->pieces[found.index].length;
    found.track->pieces[found.index] = std::move(gap);
    found.track->changed = true;
    tidy(*found.track);
}

void OtioProject::Model::put_in(Track &track, Flicks begin, Piece piece) {
    std::vector<Piece> pieces;
    const auto add_gap = [&](Flicks length) {
        Piece gap;
        gap.is_gap = true;
        gap.length = length;
        pieces.push_back(std::move(gap));
    };
    Flicks at = -track.trimmed;
    bool put = false;
    for (Piece &present : track.pieces) {
        const Flicks present_end = at + present.length;
        // The sound goes into a gap that is the first piece to end after the sound's start.
        if (!put && present.is_gap && present_end > begin + slack) {
            const Flicks end = std::max(at, begin) + piece.length;
            add_gap(begin - at);
            pieces.push_back(std::move(piece));
            add_gap(present_end - end);
            put = true;
        } else {
            pieces.push_back(std::move(present));
        }
        at = present_end;
    }
    if (!put) {
        add_gap(begin - at);
        pieces.push_back(std::move(piece));
    }
    track.pieces = std::move(pieces);
    track.changed = true;
    tidy(track);
}

/// Joins added gaps with their neighbours; a gap at the end is removed.
void OtioProject::Model::tidy(Track &track) {
    std::vector<Piece> pieces;
    for (Piece &piece : track.pieces) {
        const bool added_gap = piece.is_gap && piece.text.empty();
        if (added_gap && piece.length <= 0) {
            continue;
        }
        if (piece.is_gap && !pieces.empty() && pieces.back().is_gap && (added_gap || pieces.back().text.empty())) {
            pieces.back().length += piece.length;
            pieces.back().text.clear();
        } else {
            pieces.push_back(std::move(piece));
        }
    }
    while (!pieces.empty() && pieces.back().is_gap && pieces.back().text.empty()) {
        pieces.pop_back();
    }
    track.pieces = std::move(pieces);
}

/// Takes the ids from the model whose text this one was read from: its sounds are in the same
/// order.
void OtioProject::Model::take_ids(const Model &other) {
    std::vector<std::string> ids;
    for (const Track &track : other.tracks) {
        for (const Piece &piece : track.pieces) {
            if (!piece.id.empty()) {
                ids.push_back(piece.id);
            }
        }
    }
    std::size_t next = 0;
    for (Track &track : tracks) {
        for (Piece &piece : track.pieces) {
            if (!piece.id.empty() && next < ids.size()) {
                piece.id = ids[next++];
            }
        }
    }
    next_id = std::max(next_id, other.next_id);
}

std::string OtioProject::Model::children_text(const Track &track) const {
    const int level = depth + 5; // timeline, stack, its children, track, its children
    std::string text = "[";
    for (std::size_t index = 0; index < track.pieces.size(); ++index) {
        const Piece &piece = track.pieces[index];
        text += style.lead(level, index == 0);
        if (!piece.text.empty()) {
            text += piece.text;
        } else {
            text += style.write(piece.is_gap ? gap_json(piece.length, rate) : piece.json, level);
        }
    }
    return text + (track.pieces.empty() ? "" : style.line(level - 1)) + "]";
}

std::string OtioProject::Model::track_text(const Track &track) const {
    const std::string text = style.write(track_json(track.name), depth + 3);
    const Span children = *JsonScanner(text).value(0, "children");
    return text.substr(0, children.begin) + children_text(track) + text.substr(children.end);
}

// ---- timeline

bool OtioProject::is(const std::string &bytes) {
    const std::size_t first = JsonScanner(bytes).root();
    return first < bytes.size() && bytes[first] == '{' && bytes.find("\"OTIO_SCHEMA\"") != std::string::npos;
}

std::unique_ptr<OtioProject> OtioProject::open(const std::string &path, const std::string &timeline) {
    return std::unique_ptr<OtioProject>(new OtioProject(ProjectFile(path), timeline));
}

std::unique_ptr<OtioProject> OtioProject::of_bundle(const std::string &path, const std::string &content,
                                                    const std::string &timeline) {
    return std::unique_ptr<OtioProject>(new OtioProject(ProjectFile(path, content), timeline));
}

OtioProject::OtioProject(ProjectFile file, const std::string &timeline)
    : file_(std::move(file)), timeline_(timeline),
      model_(std::make_unique<Model>(file_, parsed(file_.path(), file_.bytes()), timeline_)) {}

OtioProject::~OtioProject() = default;

std::vector<TimelineItem> OtioProject::items() {
    std::vector<TimelineItem> items = model_->items;
    for (TimelineItem &item : items) {
        const std::string inside = file_.path() + "/";
        if (file_.is_bundle() && item.unfit.empty() && item.media_path.compare(0, inside.size(), inside) == 0) {
            item.unfit = "it is in a bundle (.otioz), which has to be unpacked first";
        }
    }
    return items;
}

std::vector<Placed> OtioProject::ours() {
    std::vector<Placed> found;
    for (const Model::Track &track : model_->tracks) {
        Flicks begin = -track.trimmed;
        for (const Model::Piece &piece : track.pieces) {
            if (!piece.id.empty()) {
                found.push_back(model_->placed(piece, begin));
            }
            begin += piece.length;
        }
    }
    return found;
}

void OtioProject::place(const Placed &placed) {
    const auto present = placed.id.empty() ? model_->find_same(placed) : model_->find(placed.id);
    if (present.track == nullptr && !placed.id.empty()) {
        throw Problem(Problem::Kind::usage,
                      file_.path() + ": there is no soundtrack " + placed.id + " on the timeline");
    }
    if (placed.timeline_start < 0 || placed.duration <= 0 || !fs::path(placed.wav).is_absolute() ||
        placed.key.empty()) {
        throw Problem(Problem::Kind::usage, file_.path() + ": the sound '" + placed.wav + "' from " +
                                                std::to_string(placed.timeline_start) + ", " +
                                                std::to_string(placed.duration) +
                                                " flicks long, cannot be placed; it must have an absolute path, a key, "
                                                "a start of 0 or more and a length above 0");
    }
    if (present.track != nullptr && model_->is_same(model_->placed(present), placed)) {
        return;
    }
    const Flicks begin = to_frame_edge(placed.timeline_start, model_->rate.exact);
    const Flicks end = to_frame_edge(placed.timeline_start + placed.duration, model_->rate.exact);
    Model::Piece piece;
    piece.length = std::max<Flicks>(end - begin, 1);
    piece.id = placed.id.empty() ? "s" + std::to_string(model_->next_id++) : placed.id;
    piece.json = model_->clip_json(placed, piece.length,
                                   present.track == nullptr ? Json() : present.track->pieces[present.index].json);
    if (present.track != nullptr) {
        model_->take_out(present);
    }
    Model::Track &track = model_->track_for(begin, end, present.track);
    model_->put_in(track, begin, std::move(piece));
}

void OtioProject::remove(const std::string &placed_id) {
    const auto found = model_->find(placed_id);
    if (found.track == nullptr) {
        throw Problem(Problem::Kind::usage,
                      file_.path() + ": there is no soundtrack " + placed_id + " on the timeline");
    }
    model_->take_out(found);
}

std::string OtioProject::text_of_tracks() const {
    const std::string &bytes = file_.bytes();
    const auto part = [&](std::size_t begin, std::size_t end) { return bytes.substr(begin, end - begin); };
    std::vector<const Model::Track *> by_place(model_->stack.size(), nullptr);
    for (const Model::Track &track : model_->tracks) {
        if (track.place) {
            by_place[*track.place] = &track;
        }
    }
    // Each track together with the text before it, so that removing a track restores the previous
    // text.
    const auto &stack = model_->stack;
    const Span list = model_->stack_children;
    std::string text = part(0, list.begin) + "[";
    bool first = true;
    for (std::size_t index = 0; index < stack.size(); ++index) {
        const Model::Track *track = by_place[index];
        if (track != nullptr && track->changed && track->own && track->is_empty()) {
            continue;
        }
        text += first ? part(list.begin + 1, stack[0].begin) : part(stack[index - 1].end, stack[index].begin);
        first = false;
        if (track != nullptr && track->changed) {
            text += part(stack[index].begin, track->children.begin) + model_->children_text(*track) +
                    part(track->children.end, stack[index].end);
        } else {
            text += part(stack[index].begin, stack[index].end);
        }
    }
    for (const Model::Track &track : model_->tracks) {
        if (!track.place && !track.is_empty()) {
            text += model_->style.lead(model_->depth + 3, first) + model_->track_text(track);
            first = false;
        }
    }
    const bool was_empty = stack.empty();
    const std::string tail = was_empty ? model_->style.line(model_->depth + 2) : part(stack.back().end, list.end - 1);
    return text + (first ? "" : tail) + part(list.end - 1, bytes.size());
}

void OtioProject::save() {
    const std::string changed = text();
    if (changed != file_.bytes()) {
        file_.write(changed, {});
        removed_markers_.clear();
        added_markers_.clear();
        auto read = std::make_unique<Model>(file_, parsed(file_.path(), file_.bytes()), timeline_);
        read->take_ids(*model_);
        model_ = std::move(read);
    }
}

} // namespace kinescore::bridge
