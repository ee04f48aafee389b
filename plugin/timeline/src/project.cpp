#include "kinescore-timeline/src/project.hpp"

#include "../../bridge/open.hpp"
#include "kinescore-timeline/src/lib.rs.h"

#include <map>
#include <utility>

namespace kinescore::bridge::rust {

namespace {

::rust::Vec<Setting> settings_of(const Settings &settings) {
    ::rust::Vec<Setting> list;
    for (const auto &[key, value] : settings) {
        list.push_back({key, value});
    }
    return list;
}

Item item_of(const TimelineItem &item) {
    Item shown;
    shown.id = item.id;
    shown.name = item.name;
    shown.media = item.media_path;
    shown.source_in = item.source_in;
    shown.source_out = item.source_out;
    shown.timeline_start = item.timeline_start;
    shown.duration = item.duration();
    shown.rate_numerator = item.rate.numerator;
    shown.rate_denominator = item.rate.denominator;
    shown.speed_numerator = item.speed.numerator;
    shown.speed_denominator = item.speed.denominator;
    shown.track = item.track;
    return shown;
}

Outcome outcome_of(const Result &result) {
    Outcome outcome;
    outcome.what = static_cast<std::uint8_t>(result.what);
    outcome.item = item_of(result.item);
    outcome.wav = result.wav;
    outcome.sentence = result.sentence;
    outcome.kind = static_cast<std::uint8_t>(result.kind);
    return outcome;
}

::rust::Vec<Outcome> outcomes_of(const std::vector<Result> &results) {
    ::rust::Vec<Outcome> outcomes;
    for (const Result &result : results) {
        outcomes.push_back(outcome_of(result));
    }
    return outcomes;
}

/// The maker on the other side.
class RustMaker : public Maker {
public:
    explicit RustMaker(Workshop &workshop) : workshop_(workshop) {}

    std::string key(const bridge::Order &order) override { return text(workshop_.key(order_of(order))); }

    void make(const bridge::Order &order, const std::string &wav, const Progress &) override {
        text(workshop_.make(order_of(order), wav));
    }

private:
    static rust::Order order_of(const bridge::Order &order) {
        return {order.media,           order.source_in,         order.source_out,
                order.speed.numerator, order.speed.denominator, settings_of(order.settings)};
    }

    static std::string text(const Answer &answer) {
        if (answer.failed) {
            throw Problem(static_cast<Problem::Kind>(answer.kind), std::string(answer.text));
        }
        return std::string(answer.text);
    }

    Workshop &workshop_;
};

} // namespace

Project::Project(std::unique_ptr<Timeline> timeline, std::shared_ptr<Memory> memory)
    : timeline_(std::move(timeline)), memory_(std::move(memory)) {}

::rust::Vec<Item> Project::items() {
    const std::vector<TimelineItem> items = timeline_->items();
    const std::vector<Placed> ours = timeline_->ours();
    std::map<std::size_t, std::size_t> sounds;
    for (const auto &[own, item] : matches(ours, items)) {
        sounds[item] = own;
    }
    ::rust::Vec<Item> list;
    for (std::size_t index = 0; index < items.size(); ++index) {
        Item shown = item_of(items[index]);
        if (const auto own = sounds.find(index); own != sounds.end()) {
            shown.soundtrack = ours[own->second].wav;
            shown.settings = settings_of(ours[own->second].settings);
        }
        list.push_back(shown);
    }
    return list;
}

void Project::check_writable() { timeline_->check_writable(); }

Outcome Project::add(Workshop &workshop, ::rust::Str item, const ::rust::Vec<Setting> &settings) {
    Settings wanted;
    for (const Setting &setting : settings) {
        wanted[std::string(setting.key)] = std::string(setting.value);
    }
    RustMaker maker(workshop);
    return outcome_of(Reconciler(*timeline_, maker, memory_->written).add(std::string(item), wanted));
}

::rust::Vec<Outcome> Project::refresh(Workshop &workshop) {
    RustMaker maker(workshop);
    return outcomes_of(Reconciler(*timeline_, maker, memory_->written).refresh());
}

::rust::Vec<Outcome> Project::remove(::rust::Str item) {
    // Removing makes nothing.
    struct Nothing : Maker {
        std::string key(const bridge::Order &) override { return ""; }
        void make(const bridge::Order &, const std::string &, const Progress &) override {}
    } maker;
    const std::string id(item);
    Reconciler reconciler(*timeline_, maker, memory_->written);
    return outcomes_of(reconciler.remove(id.empty() ? std::nullopt : std::optional<std::string>(id)));
}

std::shared_ptr<Memory> new_memory() { return std::make_shared<Memory>(); }

std::unique_ptr<Project> open_project(::rust::Str path, const std::shared_ptr<Memory> &memory) {
    return std::make_unique<Project>(bridge::open_project(std::string(path)), memory);
}

} // namespace kinescore::bridge::rust
