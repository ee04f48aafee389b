#include "ges.hpp"

#include "fitness.hpp"
#include "ges_file.hpp"
#include "memory.hpp"
#include "project_file.hpp"
#include "ratio.hpp"
#include "track_title.hpp"
#include "url.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

constexpr const char *layer_mark = "kinescore-layer";
constexpr const char *key_field = "soundtrack-key";

/// Speeds are computed from whole nanoseconds.
constexpr double speed_tolerance = 1e-6;

// ---- times

/// Converts nanoseconds to flicks, snapped to the intended frame if one lies within the rounding.
Flicks flicks_of(GstClockTime time, const Ratio &rate) {
    return GST_CLOCK_TIME_IS_VALID(time) ? to_frame_edge(flicks_of_nanoseconds(time), rate) : 0;
}

// ---- metadata

std::string meta(gpointer object, const char *field) {
    const gchar *value = ges_meta_container_get_string(GES_META_CONTAINER(object), field);
    return value == nullptr ? "" : value;
}

void set_meta(gpointer object, const char *field, const std::string &value) {
    ges_meta_container_set_string(GES_META_CONTAINER(object), field, value.c_str());
}

/// The names of the fields for a sound's record; that of the key is older than the others.
std::string field_of(const std::string &name) { return name == "key" ? key_field : "kinescore-" + name; }

// ---- clips

std::string name_of(gpointer element) {
    const Text name(ges_timeline_element_get_name(GES_TIMELINE_ELEMENT(element)));
    return name ? name.get() : "";
}

/// GES renames elements when a sound replaces another; this id does not change.
constexpr const char *id_data = "kinescore-id";

std::string id_of(GESClip *clip) {
    const auto *id = static_cast<const char *>(g_object_get_data(G_OBJECT(clip), id_data));
    return id == nullptr ? name_of(clip) : id;
}

bool is_ours(gpointer clip) { return !meta(clip, key_field).empty(); }

/// The visible part of a clip; null if there is none, as for sound and stills.
Ref<GESTrackElement> video_of(GESClip *clip) {
    if (!GES_IS_URI_CLIP(clip)) {
        return nullptr;
    }
    GESAsset *asset = ges_extractable_get_asset(GES_EXTRACTABLE(clip));
    if (asset == nullptr || ges_uri_clip_asset_is_image(GES_URI_CLIP_ASSET(asset))) {
        return nullptr;
    }
    auto found = taken<GESTrackElement>(
        ges_clip_find_track_elements(clip, nullptr, GES_TRACK_TYPE_VIDEO, GES_TYPE_VIDEO_URI_SOURCE));
    return found.empty() ? nullptr : std::move(found.front());
}

/// How fast a clip is played, according to GES, which knows the effect of each of its time effects;
/// 1/1 if it does not know.
Ratio speed_of(GESClip *clip, GESTrackElement *video) {
    const auto *element = GES_TIMELINE_ELEMENT(clip);
    const GstClockTime begin = GES_TIMELINE_ELEMENT_START(element);
    const GstClockTime length = GES_TIMELINE_ELEMENT_DURATION(element);
    GErrorOwner fault, other;
    const GstClockTime in = ges_clip_get_internal_time_from_timeline_time(clip, video, begin, fault.out());
    const GstClockTime out = ges_clip_get_internal_time_from_timeline_time(clip, video, begin + length, other.out());
    if (!GST_CLOCK_TIME_IS_VALID(in) || !GST_CLOCK_TIME_IS_VALID(out) || out <= in || length == 0) {
        return {};
    }
    return simplest(static_cast<double>(out - in) / static_cast<double>(length), speed_tolerance);
}

bool overlaps(GESClip *clip, GstClockTime begin, GstClockTime end) {
    const auto *element = GES_TIMELINE_ELEMENT(clip);
    return GES_TIMELINE_ELEMENT_START(element) < end && begin < GES_TIMELINE_ELEMENT_END(element);
}

} // namespace

struct GesTimeline::Model {
    explicit Model(GESTimeline *of) : timeline(ref(of)) {}
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;
    ~Model();

    std::vector<Ref<GESLayer>> layers() const { return taken<GESLayer>(ges_timeline_get_layers(timeline.get())); }
    static std::vector<Ref<GESClip>> clips(GESLayer *layer) { return taken<GESClip>(ges_layer_get_clips(layer)); }
    Ratio rate() const;
    TimelineItem item(GESClip *clip, GESTrackElement *video, const Ratio &rate, int track) const;
    Placed placed(GESClip *clip, const Ratio &rate) const;
    bool is_same(const Placed &present, const Placed &wanted) const;
    Ref<GESClip> find(const std::string &id) const;
    Ref<GESClip> find_same(const Placed &wanted) const;
    bool is_own(GESLayer *layer) const;
    Ref<GESLayer> layer_for(GstClockTime begin, GstClockTime end, GESClip *leaving);
    void need_audio_track();
    Ref<GESUriClipAsset> asset(const std::string &wav) const;
    GESClip *add(GESLayer *layer, GESUriClipAsset *asset, const Placed &placed);
    void replace(GESClip *clip, GESLayer *layer, GESUriClipAsset *asset, const Placed &placed);
    void drop_if_empty(GESLayer *layer);
    void drop_if_unused(GESAsset *asset);
    static void set_metas(GESClip *clip, const Placed &placed);

    void connect(gpointer object, const char *signal, GCallback callback);
    void disconnect(gpointer object);
    void watch(GESLayer *layer);
    void watch(GESClip *clip);
    void unwatch(GESLayer *layer);
    void report_edit() const;

    std::string text() const { return written_text(timeline.get(), file->path()); }
    std::string where() const { return file ? file->path() : "the timeline"; }

    Ref<GESTimeline> timeline;
    std::optional<ProjectFile> file;
    std::string folder;
    std::function<void()> changed;
    bool busy = false;   ///< Changes are made by this program.
    std::string written; ///< The timeline as GES wrote it, when it was read or last saved.
    std::map<gpointer, std::vector<gulong>> handlers;
};

namespace {

/// Marks changes as made by this program for as long as the object lives.
class Busy {
public:
    explicit Busy(bool &busy) : busy_(busy), before_(std::exchange(busy, true)) {}
    Busy(const Busy &) = delete;
    Busy &operator=(const Busy &) = delete;
    ~Busy() { busy_ = before_; }

private:
    bool &busy_;
    bool before_;
};

} // namespace

// ---- reading

/// Frame rate of the timeline's pictures; GES' own default if nothing restricts it.
Ratio GesTimeline::Model::rate() const {
    for (const auto &track : taken<GESTrack>(ges_timeline_get_tracks(timeline.get()))) {
        GstCaps *caps = nullptr;
        if (track->type == GES_TRACK_TYPE_VIDEO) {
            g_object_get(track.get(), "restriction-caps", &caps, nullptr);
        }
        gint up = 0, down = 0;
        const bool known = caps != nullptr && gst_caps_get_size(caps) > 0 &&
                           gst_structure_get_fraction(gst_caps_get_structure(caps, 0), "framerate", &up, &down);
        gst_clear_caps(&caps);
        if (known && up > 0 && down > 0) {
            return {up, down};
        }
    }
    return {30, 1};
}

TimelineItem GesTimeline::Model::item(GESClip *clip, GESTrackElement *video, const Ratio &rate, int track) const {
    const auto *element = GES_TIMELINE_ELEMENT(clip);
    TimelineItem item;
    item.id = name_of(clip);
    const gchar *uri = ges_uri_clip_get_uri(GES_URI_CLIP(clip));
    item.media_path = path_of_uri(uri);
    if (item.media_path.empty() && uri != nullptr) {
        item.media_path = uri;
        item.unfit = why_not_here(uri);
    }
    item.name = fs::path(item.media_path).stem().string();
    item.rate = rate;
    item.speed = speed_of(clip, video);
    item.track = track;
    item.timeline_start = flicks_of(GES_TIMELINE_ELEMENT_START(element), rate);
    item.source_in = flicks_of(GES_TIMELINE_ELEMENT_INPOINT(element), rate);
    const Flicks length = flicks_of(GES_TIMELINE_ELEMENT_DURATION(element), rate);
    item.source_out = item.source_in + on_media(length, item.speed);
    item.unfit = item.unfit.empty() ? why_unfit(item) : item.unfit;
    return item;
}

Placed GesTimeline::Model::placed(GESClip *clip, const Ratio &rate) const {
    const auto *element = GES_TIMELINE_ELEMENT(clip);
    Placed placed = recalled([&](const char *name) { return meta(clip, field_of(name).c_str()); });
    placed.id = id_of(clip);
    placed.wav = path_of_uri(ges_uri_clip_get_uri(GES_URI_CLIP(clip)));
    TimelineItem &item = placed.made_for;
    item.rate = rate;
    const Flicks begin = flicks_of(GES_TIMELINE_ELEMENT_START(element), rate);
    const Flicks length = flicks_of(GES_TIMELINE_ELEMENT_DURATION(element), rate);
    placed.timeline_start = is_near(begin, item.timeline_start) ? item.timeline_start : begin;
    placed.duration = is_near(length, item.duration()) ? item.duration() : length;
    return placed;
}

bool GesTimeline::Model::is_same(const Placed &present, const Placed &wanted) const {
    const TimelineItem &a = present.made_for;
    const TimelineItem &b = wanted.made_for;
    return present.wav == wanted.wav && present.key == wanted.key && present.settings == wanted.settings &&
           is_near(present.timeline_start, wanted.timeline_start) && is_near(present.duration, wanted.duration) &&
           a.media_path == b.media_path && a.source_in == b.source_in && a.source_out == b.source_out &&
           a.timeline_start == b.timeline_start && spelled(a.speed) == spelled(b.speed) && a.track == b.track;
}

Ref<GESClip> GesTimeline::Model::find(const std::string &id) const {
    for (const auto &layer : layers()) {
        for (auto &clip : clips(layer.get())) {
            if (is_ours(clip.get()) && id_of(clip.get()) == id) {
                return std::move(clip);
            }
        }
    }
    return nullptr;
}

Ref<GESClip> GesTimeline::Model::find_same(const Placed &wanted) const {
    const Ratio frames = rate();
    for (const auto &layer : layers()) {
        for (auto &clip : clips(layer.get())) {
            if (meta(clip.get(), key_field) == wanted.key && is_same(placed(clip.get(), frames), wanted)) {
                return std::move(clip);
            }
        }
    }
    return nullptr;
}

bool GesTimeline::Model::is_own(GESLayer *layer) const { return !meta(layer, layer_mark).empty(); }

// ---- writing

/// One of our layers that is free at the time. Sounds of overlapping clips are on separate layers:
/// one layer would fade them into each other.
Ref<GESLayer> GesTimeline::Model::layer_for(GstClockTime begin, GstClockTime end, GESClip *leaving) {
    std::set<std::string> taken;
    for (auto &layer : layers()) {
        if (!is_own(layer.get())) {
            continue;
        }
        const auto present = clips(layer.get());
        if (std::none_of(present.begin(), present.end(), [&](const Ref<GESClip> &clip) {
                return clip.get() != leaving && overlaps(clip.get(), begin, end);
            })) {
            return std::move(layer);
        }
        taken.insert(meta(layer.get(), layer_mark));
    }
    auto layer = ref(ges_timeline_append_layer(timeline.get()));
    const std::string name = free_track_title([&](const std::string &title) { return taken.count(title) != 0; });
    ges_layer_set_auto_transition(layer.get(), FALSE);
    set_meta(layer.get(), layer_mark, name);
    set_meta(layer.get(), "audio::name", name); // where Pitivi keeps the names of layers
    return layer;
}

void GesTimeline::Model::need_audio_track() {
    for (const auto &track : taken<GESTrack>(ges_timeline_get_tracks(timeline.get()))) {
        if (track->type == GES_TRACK_TYPE_AUDIO) {
            return;
        }
    }
    ges_timeline_add_track(timeline.get(), GES_TRACK(ges_audio_track_new()));
}

Ref<GESUriClipAsset> GesTimeline::Model::asset(const std::string &wav) const {
    const std::string uri = uri_of(wav);
    // GES caches a file's properties, and sound is written again under the same name.
    ges_asset_needs_reload(GES_TYPE_URI_CLIP, uri.c_str());
    GErrorOwner fault;
    Ref<GESUriClipAsset> asset(ges_uri_clip_asset_request_sync(uri.c_str(), fault.out()));
    if (!asset) {
        throw Problem(Problem::Kind::input, wav + ": cannot be read as sound: " + fault.sentence());
    }
    return asset;
}

void GesTimeline::Model::set_metas(GESClip *clip, const Placed &placed) {
    for (const auto &[name, value] : remembered(placed)) {
        set_meta(clip, field_of(name).c_str(), value);
    }
}

GESClip *GesTimeline::Model::add(GESLayer *layer, GESUriClipAsset *asset, const Placed &placed) {
    const GstClockTime begin = nanoseconds_of(placed.timeline_start);
    const GstClockTime length = std::min(nanoseconds_of(placed.timeline_start + placed.duration) - begin,
                                         ges_uri_clip_asset_get_duration(asset));
    GErrorOwner fault;
    GESClip *clip =
        ges_layer_add_asset_full(layer, GES_ASSET(asset), begin, 0, length, GES_TRACK_TYPE_AUDIO, fault.out());
    if (clip == nullptr) {
        throw Problem(Problem::Kind::output,
                      where() + ": the sound '" + placed.wav + "' cannot be put on the timeline: " + fault.sentence());
    }
    set_metas(clip, placed);
    return clip;
}

/// Two clips cannot be in one place, so the old one is removed first, and restored if the new one
/// cannot be added.
void GesTimeline::Model::replace(GESClip *clip, GESLayer *layer, GESUriClipAsset *asset, const Placed &placed) {
    const std::string id = id_of(clip);
    const Ref<GESLayer> old(ges_clip_get_layer(clip));
    ges_layer_remove_clip(old.get(), clip);
    try {
        GESClip *added = add(layer, asset, placed);
        g_object_set_data_full(G_OBJECT(added), id_data, g_strdup(id.c_str()), g_free);
    } catch (const Problem &) {
        ges_layer_add_clip(old.get(), clip);
        drop_if_empty(layer);
        throw;
    }
    drop_if_empty(old.get());
    drop_if_unused(ges_extractable_get_asset(GES_EXTRACTABLE(clip)));
}

void GesTimeline::Model::drop_if_empty(GESLayer *layer) {
    if (!is_own(layer) || !clips(layer).empty()) {
        return;
    }
    ges_timeline_remove_layer(timeline.get(), layer);
    // GES leaves a gap in the numbers of layers, and later requests the layer in it.
    guint number = 0;
    for (const auto &left : layers()) {
        if (ges_layer_get_priority(left.get()) != number) {
            ges_timeline_move_layer(timeline.get(), left.get(), number);
        }
        ++number;
    }
}

/// A project lists its media, and does not open if one of them is gone: a removed sound may be
/// deleted.
void GesTimeline::Model::drop_if_unused(GESAsset *asset) {
    const std::string id = ges_asset_get_id(asset);
    for (const auto &layer : layers()) {
        for (const auto &clip : clips(layer.get())) {
            GESAsset *other = ges_extractable_get_asset(GES_EXTRACTABLE(clip.get()));
            if (other != nullptr && id == ges_asset_get_id(other)) {
                return;
            }
        }
    }
    GESAsset *project = ges_extractable_get_asset(GES_EXTRACTABLE(timeline.get()));
    if (GES_IS_PROJECT(project)) {
        ges_project_remove_asset(GES_PROJECT(project), asset);
    }
}

// ---- edits

void GesTimeline::Model::report_edit() const {
    if (!busy && changed) {
        changed();
    }
}

void GesTimeline::Model::connect(gpointer object, const char *signal, GCallback callback) {
    auto [entry, added] = handlers.try_emplace(object);
    if (added) {
        g_object_ref(object);
    }
    entry->second.push_back(g_signal_connect_data(object, signal, callback, this, nullptr, G_CONNECT_SWAPPED));
}

void GesTimeline::Model::disconnect(gpointer object) {
    const auto entry = handlers.find(object);
    if (entry == handlers.end()) {
        return;
    }
    for (const gulong handler : entry->second) {
        g_signal_handler_disconnect(object, handler);
    }
    handlers.erase(entry);
    g_object_unref(object);
}

void GesTimeline::Model::watch(GESClip *clip) {
    if (handlers.count(clip) != 0) {
        return;
    }
    const auto edited = G_CALLBACK(+[](Model *model) { model->report_edit(); });
    for (const char *signal :
         {"notify::start", "notify::in-point", "notify::duration", "notify::layer", "child-added", "child-removed"}) {
        connect(clip, signal, edited);
    }
    // Speed is a property of an effect.
    connect(clip, "deep-notify", G_CALLBACK(+[](Model *model, GObject *, GParamSpec *property) {
                const std::string name = g_param_spec_get_name(property);
                if (name == "rate" || name == "tempo") {
                    model->report_edit();
                }
            }));
}

void GesTimeline::Model::watch(GESLayer *layer) {
    if (handlers.count(layer) != 0) {
        return;
    }
    connect(layer, "clip-added", G_CALLBACK(+[](Model *model, GESClip *clip) {
                model->watch(clip);
                model->report_edit();
            }));
    connect(layer, "clip-removed", G_CALLBACK(+[](Model *model, GESClip *clip) {
                model->disconnect(clip);
                model->report_edit();
            }));
    for (const auto &clip : clips(layer)) {
        watch(clip.get());
    }
}

void GesTimeline::Model::unwatch(GESLayer *layer) {
    for (const auto &clip : clips(layer)) {
        disconnect(clip.get());
    }
    disconnect(layer);
}

GesTimeline::Model::~Model() {
    while (!handlers.empty()) {
        disconnect(handlers.begin()->first);
    }
}

// ---- files

std::unique_ptr<GesTimeline> GesTimeline::open(const std::string &path) {
    if (!gst_init_check(nullptr, nullptr, nullptr) || !ges_init()) {
        throw Problem(Problem::Kind::input, path + ": GStreamer Editing Services cannot be started");
    }
    const ProjectFile file(path);
    const Ref<GESTimeline> timeline = loaded(file.path());
    auto opened = std::make_unique<GesTimeline>(timeline.get(), file.sound_folder());
    opened->model_->file = file;
    opened->model_->written = opened->model_->text();
    return opened;
}

GesTimeline::GesTimeline(GESTimeline *timeline, const std::string &sound_folder)
    : model_(std::make_unique<Model>(timeline)) {
    model_->folder = sound_folder;
}

GesTimeline::~GesTimeline() = default;

std::vector<TimelineItem> GesTimeline::items() {
    const Ratio rate = model_->rate();
    auto layers = model_->layers();
    std::reverse(layers.begin(), layers.end()); // GES counts from the top
    std::vector<TimelineItem> items;
    int track = 0;
    for (const auto &layer : layers) {
        for (const auto &clip : Model::clips(layer.get())) {
            const auto video = is_ours(clip.get()) ? nullptr : video_of(clip.get());
            if (video) {
                items.push_back(model_->item(clip.get(), video.get(), rate, track));
            }
        }
        track += model_->is_own(layer.get()) ? 0 : 1;
    }
    return items;
}

std::vector<Placed> GesTimeline::ours() {
    const Ratio rate = model_->rate();
    std::vector<Placed> found;
    for (const auto &layer : model_->layers()) {
        for (const auto &clip : Model::clips(layer.get())) {
            if (is_ours(clip.get()) && GES_IS_URI_CLIP(clip.get())) {
                found.push_back(model_->placed(clip.get(), rate));
            }
        }
    }
    return found;
}

void GesTimeline::place(const Placed &placed) {
    const Ref<GESClip> present = placed.id.empty() ? model_->find_same(placed) : model_->find(placed.id);
    if (!present && !placed.id.empty()) {
        throw Problem(Problem::Kind::usage,
                      model_->where() + ": there is no soundtrack " + placed.id + " on the timeline");
    }
    if (placed.timeline_start < 0 || placed.duration <= 0 || placed.key.empty()) {
        throw Problem(
            Problem::Kind::usage,
            model_->where() + ": the sound '" + placed.wav + "' from " + std::to_string(placed.timeline_start) + ", " +
                std::to_string(placed.duration) +
                " flicks long, cannot be placed; it must have a key, a start of 0 or more and a length above 0");
    }
    if (present && model_->is_same(model_->placed(present.get(), model_->rate()), placed)) {
        return;
    }
    const Busy busy(model_->busy);
    const auto asset = model_->asset(placed.wav);
    model_->need_audio_track();
    const auto layer = model_->layer_for(nanoseconds_of(placed.timeline_start),
                                         nanoseconds_of(placed.timeline_start + placed.duration), present.get());
    if (present) {
        model_->replace(present.get(), layer.get(), asset.get(), placed);
    } else {
        model_->add(layer.get(), asset.get(), placed);
    }
    ges_timeline_commit(model_->timeline.get());
}

void GesTimeline::remove(const std::string &placed_id) {
    const Ref<GESClip> clip = model_->find(placed_id);
    if (!clip) {
        throw Problem(Problem::Kind::usage,
                      model_->where() + ": there is no soundtrack " + placed_id + " on the timeline");
    }
    const Busy busy(model_->busy);
    const Ref<GESLayer> layer(ges_clip_get_layer(clip.get()));
    ges_layer_remove_clip(layer.get(), clip.get());
    model_->drop_if_empty(layer.get());
    model_->drop_if_unused(ges_extractable_get_asset(GES_EXTRACTABLE(clip.get())));
    ges_timeline_commit(model_->timeline.get());
}

void GesTimeline::on_change(std::function<void()> changed) {
    model_->changed = std::move(changed);
    if (!model_->handlers.empty()) {
        return;
    }
    GESTimeline *timeline = model_->timeline.get();
    model_->connect(timeline, "layer-added", G_CALLBACK(+[](Model *model, GESLayer *layer) {
                        model->watch(layer);
                        model->report_edit();
                    }));
    model_->connect(timeline, "layer-removed", G_CALLBACK(+[](Model *model, GESLayer *layer) {
                        model->unwatch(layer);
                        model->report_edit();
                    }));
    for (const auto &layer : model_->layers()) {
        model_->watch(layer.get());
    }
}

void GesTimeline::check_writable() {
    if (model_->file) {
        model_->file->check_writable({});
    }
}

void GesTimeline::save() {
    if (!model_->file) {
        return; // the editor saves it
    }
    const std::string text = model_->text();
    if (text != model_->written) {
        model_->file->write(text, {});
        model_->written = text;
    }
}

std::string GesTimeline::sound_folder() const { return model_->folder; }

std::string GesTimeline::project_path() const { return model_->file ? model_->file->path() : ""; }

GESTimeline *GesTimeline::timeline() const noexcept { return model_->timeline.get(); }

} // namespace kinescore::bridge
