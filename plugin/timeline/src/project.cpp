#include "kinescore-timeline/src/project.hpp"

#include "../../bridge/open.hpp"
#include "kinescore-timeline/src/lib.rs.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge::rust {

namespace {

/// Names of files may be any bytes; Rust strings are UTF-8.
::rust::String lossy(const std::string &text) { return ::rust::String::lossy(text); }

::rust::Vec<Setting> settings_of(const Settings &settings) {
    ::rust::Vec<Setting> list;
    for (const auto &[key, value] : settings) {
        list.push_back({lossy(key), lossy(value)});
    }
    return list;
}

Item item_of(const TimelineItem &item) {
    Item shown;
    shown.id = lossy(item.id);
    shown.name = lossy(item.name);
    shown.media = lossy(item.file());
    shown.named = lossy(item.found_at.empty() ? "" : item.media_path);
    shown.source_in = item.source_in;
    shown.source_out = item.source_out;
    shown.timeline_start = item.timeline_start;
    shown.duration = item.duration();
    shown.rate_numerator = item.rate.numerator;
    shown.rate_denominator = item.rate.denominator;
    shown.speed_numerator = item.speed.numerator;
    shown.speed_denominator = item.speed.denominator;
    shown.track = item.track;
    shown.unfit = lossy(item.unfit);
    shown.note = lossy(item.note);
    shown.markers = 0; // not known of a clip by itself
    return shown;
}

ProblemKind kind_of(Problem::Kind kind) {
    switch (kind) {
    case Problem::Kind::input:
        return ProblemKind::Input;
    case Problem::Kind::usage:
        return ProblemKind::Usage;
    case Problem::Kind::choice:
        return ProblemKind::Choice;
    case Problem::Kind::changed:
        return ProblemKind::Changed;
    case Problem::Kind::output:
        return ProblemKind::Output;
    case Problem::Kind::music:
        return ProblemKind::Music;
    case Problem::Kind::cancelled:
        return ProblemKind::Cancelled;
    case Problem::Kind::core:
        break;
    }
    return ProblemKind::Core;
}

Problem::Kind kind_of(ProblemKind kind) {
    switch (kind) {
    case ProblemKind::Input:
        return Problem::Kind::input;
    case ProblemKind::Usage:
        return Problem::Kind::usage;
    case ProblemKind::Choice:
        return Problem::Kind::choice;
    case ProblemKind::Changed:
        return Problem::Kind::changed;
    case ProblemKind::Output:
        return Problem::Kind::output;
    case ProblemKind::Music:
        return Problem::Kind::music;
    case ProblemKind::Cancelled:
        return Problem::Kind::cancelled;
    case ProblemKind::Core:
        break;
    }
    return Problem::Kind::core;
}

Done done_of(Result::What what) {
    switch (what) {
    case Result::What::unchanged:
        return Done::Unchanged;
    case Result::What::moved:
        return Done::Moved;
    case Result::What::made:
        return Done::Made;
    case Result::What::marked:
        return Done::Marked;
    case Result::What::removed:
        return Done::Removed;
    case Result::What::failed:
        break;
    }
    return Done::Failed;
}

Status failed(Problem::Kind kind, int code, const std::string &sentence) {
    return {true, kind_of(kind), code, lossy(sentence)};
}

/// Calls a function that may throw; no exception may pass into Rust.
template <typename Function> Status guarded(Function &&function) noexcept {
    try {
        function();
        return {false, ProblemKind::Core, 0, ""};
    } catch (const Problem &problem) {
        return failed(problem.kind(), problem.code(), problem.what());
    } catch (const std::exception &error) {
        return failed(Problem::Kind::core, 0, error.what());
    } catch (...) {
        return failed(Problem::Kind::core, 0, "a fault of the program itself");
    }
}

void append(const std::vector<Result> &results, ::rust::Vec<ItemOutcome> &outcomes) {
    for (const Result &result : results) {
        const bool has_failed = result.what == Result::What::failed;
        ItemOutcome outcome;
        outcome.done = done_of(result.what);
        outcome.item = item_of(result.item);
        outcome.wav = lossy(result.wav);
        outcome.markers = result.markers;
        outcome.note = lossy(has_failed ? "" : result.sentence);
        outcome.status = has_failed ? failed(result.kind, result.code, result.sentence)
                                    : Status{false, ProblemKind::Core, 0, ""};
        outcomes.push_back(std::move(outcome));
    }
}

void check(const Status &status) {
    if (status.failed) {
        throw Problem(kind_of(status.kind), std::string(status.sentence), status.code);
    }
}

OpenOptions options_of(const ::rust::Vec<::rust::String> &media_folders, ::rust::Str timeline,
                       ::rust::Box<MediaHandle> media) {
    OpenOptions options;
    for (const ::rust::String &folder : media_folders) {
        options.media_folders.push_back(std::string(folder));
    }
    options.timeline = std::string(timeline);
    if (media->is_reader()) {
        const auto reader = std::make_shared<::rust::Box<MediaHandle>>(std::move(media));
        options.open_media = [reader](const std::string &path) {
            rust::MediaFacts read{};
            check((*reader)->facts(std::string(lossy(path)), read));
            bridge::MediaFacts facts;
            facts.end = read.is_end_known ? std::optional<Flicks>(read.end) : std::nullopt;
            facts.stream = read.stream;
            facts.video_streams.assign(read.video_streams.begin(), read.video_streams.end());
            return facts;
        };
    }
    return options;
}

/// The maker on the other side.
class RustMaker : public Maker {
public:
    explicit RustMaker(MakerHandle &workshop) : workshop_(workshop) {}

    std::string key(const bridge::SoundOrder &order) override {
        ::rust::String key;
        check(workshop_.key(order_of(order), key));
        return std::string(key);
    }

    void make(const bridge::SoundOrder &order, const std::string &wav, const Progress &) override {
        check(workshop_.make(order_of(order), wav));
    }

    std::vector<bridge::Beat> beats(const bridge::SoundOrder &order, const Progress &) override {
        ::rust::Vec<rust::Beat> list;
        check(workshop_.beats(order_of(order), list));
        std::vector<bridge::Beat> beats;
        for (const rust::Beat &beat : list) {
            beats.push_back({beat.time, beat.number});
        }
        return beats;
    }

private:
    static rust::SoundOrder order_of(const bridge::SoundOrder &order) {
        return {order.media,           order.source_in,         order.source_out,
                order.speed.numerator, order.speed.denominator, settings_of(order.settings),
                lossy(order.marks)};
    }

    MakerHandle &workshop_;
};

} // namespace

Status Project::open(::rust::Str path, const ::rust::Vec<::rust::String> &media_folders, ::rust::Str timeline,
                     ::rust::Box<MediaHandle> media) {
    return guarded([&] {
        timeline_ =
            bridge::open_project(std::string(path), options_of(media_folders, timeline, std::move(media)));
    });
}

Status Project::open_bundle(::rust::Str path, ::rust::Slice<const std::uint8_t> content,
                            const ::rust::Vec<::rust::String> &media_folders, ::rust::Str timeline,
                            ::rust::Box<MediaHandle> media) {
    return guarded([&] {
        timeline_ = bridge::open_bundle(std::string(path), std::string(content.begin(), content.end()),
                                        options_of(media_folders, timeline, std::move(media)));
    });
}

Status Project::items(bool examined, ::rust::Vec<Item> &list) {
    return guarded([&] {
        std::vector<TimelineItem> items = timeline_->items();
        const std::vector<Placed> ours = timeline_->ours();
        std::map<std::size_t, std::size_t> sounds;
        for (const auto &[own, item] : matches(ours, items)) {
            sounds[item] = own;
        }
        for (std::size_t index = 0; index < items.size(); ++index) {
            if (examined) {
                timeline_->examine(items[index]);
            }
            Item shown = item_of(items[index]);
            if (const auto own = sounds.find(index); own != sounds.end()) {
                shown.soundtrack = lossy(ours[own->second].wav);
                shown.settings = settings_of(ours[own->second].settings);
                const std::vector<ShownBeat> &beats = ours[own->second].beats.beats;
                shown.markers = static_cast<std::size_t>(std::count_if(beats.begin(), beats.end(), [](const ShownBeat &beat) {
                    return beat.marker != ShownBeat::Marker::none;
                }));
            }
            list.push_back(std::move(shown));
        }
    });
}

Status Project::check_writable() {
    return guarded([&] { timeline_->check_writable(); });
}

Status Project::add(MakerHandle &workshop, ::rust::Str item, const ::rust::Vec<Setting> &settings,
                    bool beats, ::rust::Vec<ItemOutcome> &outcomes) {
    return guarded([&] {
        Settings wanted;
        for (const Setting &setting : settings) {
            wanted[std::string(setting.key)] = std::string(setting.value);
        }
        RustMaker maker(workshop);
        append({Reconciler(*timeline_, maker).add(std::string(item), wanted, {}, beats)}, outcomes);
    });
}

Status Project::refresh(MakerHandle &workshop, bool beats, ::rust::Vec<ItemOutcome> &outcomes) {
    return guarded([&] {
        RustMaker maker(workshop);
        append(Reconciler(*timeline_, maker).refresh({}, beats), outcomes);
    });
}

Status Project::remove(::rust::Str item, ::rust::Vec<ItemOutcome> &outcomes) {
    // Removing makes nothing.
    struct Nothing : Maker {
        std::string key(const bridge::SoundOrder &) override { return ""; }
        void make(const bridge::SoundOrder &, const std::string &, const Progress &) override {}
    };
    return guarded([&] {
        Nothing maker;
        const std::string id(item);
        const auto wanted = id.empty() ? std::nullopt : std::optional<std::string>(id);
        append(Reconciler(*timeline_, maker).remove(wanted), outcomes);
    });
}

std::unique_ptr<Project> new_project() { return std::make_unique<Project>(); }

} // namespace kinescore::bridge::rust
