#include "media_finder.hpp"

#include "url.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace kinescore::bridge {

namespace fs = std::filesystem;

namespace {

/// Maximum number of files in folders of media: more are a mistake, such as the root folder.
constexpr std::size_t most_files = 1'000'000;

bool is_file(const std::string &path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

class TimelineWithMedia : public Timeline {
public:
    TimelineWithMedia(std::unique_ptr<Timeline> timeline, std::vector<std::string> folders, MediaOpener open_media)
        : timeline_(std::move(timeline)), finder_(std::move(folders)), open_media_(std::move(open_media)) {}

    std::vector<TimelineItem> items() override {
        std::vector<TimelineItem> items = timeline_->items();
        for (TimelineItem &item : items) {
            if (!item.unfit.empty() && !item.is_elsewhere) {
                continue;
            }
            if (const std::string reason = why_unfit(item); reason.empty()) {
                find(item);
            } else {
                item.unfit = reason;
                item.is_elsewhere = false; // finding its media would not be enough
            }
        }
        return items;
    }

    void examine(TimelineItem &item) override {
        if (!item.unfit.empty() || !open_media_) {
            return;
        }
        const auto [place, is_new] = opened_.try_emplace(item.file());
        Opened &known = place->second;
        try {
            known.facts = is_new ? open_media_(item.file()) : known.facts;
        } catch (const Problem &problem) {
            if (problem.kind() == Problem::Kind::cancelled) {
                opened_.erase(place);
                throw;
            }
            known.problem = problem;
        }
        if (known.problem) {
            const std::string prefix = item.file() + ": ";
            const std::string reason = known.problem->what();
            item.unfit = "its media cannot be used: " +
                         (reason.compare(0, prefix.size(), prefix) == 0 ? reason.substr(prefix.size()) : reason);
            item.unfit_kind = known.problem->kind();
            item.unfit_code = known.problem->code();
            return;
        }
        item.unfit = why_other_stream(item.stream, known.facts);
        if (item.unfit.empty() && known.facts.end) {
            fit_to_media(item, *known.facts.end);
        }
    }

    std::vector<Marker> markers() override { return timeline_->markers(); }
    std::string why_no_markers() const override { return timeline_->why_no_markers(); }
    void change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) override {
        timeline_->change_markers(removed, added);
    }
    std::vector<std::string> selected() override { return timeline_->selected(); }
    std::vector<Placed> ours() override { return timeline_->ours(); }
    void place(const Placed &placed) override { timeline_->place(placed); }
    void remove(const std::string &placed_id) override { timeline_->remove(placed_id); }
    void on_change(std::function<void()> changed) override { timeline_->on_change(std::move(changed)); }
    void check_writable() override { timeline_->check_writable(); }
    void save() override { timeline_->save(); }
    std::string sound_folder() const override { return timeline_->sound_folder(); }
    std::string project_path() const override { return timeline_->project_path(); }

private:
    /// The findings for a media: timelines use few of them many times.
    struct Known {
        std::string found_at;
        std::string unfit;
    };

    /// What is known of a media, or why it cannot be opened.
    struct Opened {
        MediaFacts facts;
        std::optional<Problem> problem;
    };

    void find(TimelineItem &item) {
        const auto [place, is_new] = known_.try_emplace(item.media_path);
        if (is_new) {
            place->second = look(item);
        }
        item.found_at = place->second.found_at;
        item.unfit = place->second.unfit;
        item.is_elsewhere = !item.unfit.empty();
    }

    Known look(const TimelineItem &item) {
        if (!item.is_elsewhere && is_file(item.media_path)) {
            return {};
        }
        const std::string other = item.is_elsewhere ? "" : why_not_file(item.media_path);
        const std::string reason = !other.empty()        ? other
                                   : item.unfit.empty() ? "its media is missing"
                                                        : item.unfit;
        const std::string name = file_name_of(item.media_path);
        if (name.empty() || !finder_.has_folders()) {
            return {"", reason};
        }
        const std::vector<std::string> found = finder_.named(name);
        if (found.size() == 1) {
            return {found.front(), ""};
        }
        if (found.empty()) {
            return {"", reason + "; no file of its name is in the folders for media"};
        }
        return {"", reason + "; " + std::to_string(found.size()) + " files in the folders for media have its name: " +
                        found[0] + ", " + found[1] + (found.size() > 2 ? ", …" : "")};
    }

    std::unique_ptr<Timeline> timeline_;
    MediaFinder finder_;
    MediaOpener open_media_;
    std::map<std::string, Known> known_;
    std::map<std::string, Opened> opened_; ///< By the files of media.
};

} // namespace

MediaFinder::MediaFinder(std::vector<std::string> folders) : folders_(std::move(folders)) {
    std::error_code error;
    for (const std::string &folder : folders_) {
        if (!fs::is_directory(folder, error)) {
            throw Problem(Problem::Kind::usage, folder + ": is not a folder; media are searched for in folders");
        }
    }
}

void MediaFinder::read() {
    is_read_ = true;
    std::size_t count = 0;
    for (const std::string &folder : folders_) {
        std::error_code error;
        // Links to folders are not followed: they may form cycles.
        fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
        for (; !error && at != end; at.increment(error)) {
            if (++count > most_files) {
                throw Problem(Problem::Kind::usage, folder + ": has more than " + std::to_string(most_files) +
                                                        " files to search for media; name a folder with fewer");
            }
            std::error_code ignored;
            if (at->is_regular_file(ignored)) {
                const fs::path path = fs::weakly_canonical(at->path(), ignored);
                by_lower_name_.emplace(lower(at->path().filename().string()),
                                       ignored ? at->path().string() : path.string());
            }
        }
    }
}

std::vector<std::string> MediaFinder::named(const std::string &name) {
    if (!is_read_) {
        read();
    }
    std::vector<std::string> exact, alike;
    const auto [begin, end] = by_lower_name_.equal_range(lower(name));
    for (auto at = begin; at != end; ++at) {
        alike.push_back(at->second);
        if (fs::path(at->second).filename().string() == name) {
            exact.push_back(at->second);
        }
    }
    std::vector<std::string> &found = exact.empty() ? alike : exact;
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end()); // one folder may contain another
    return found;
}

std::unique_ptr<Timeline> with_media(std::unique_ptr<Timeline> timeline, std::vector<std::string> folders,
                                     MediaOpener open_media) {
    return std::make_unique<TimelineWithMedia>(std::move(timeline), std::move(folders), std::move(open_media));
}

} // namespace kinescore::bridge
