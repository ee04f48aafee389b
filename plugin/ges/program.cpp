#include "program.hpp"

#include "follower.hpp"
#include "ges.hpp"
#include "project.hpp"
#include "ratio.hpp"
#include "reconciler.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iterator>
#include <optional>

namespace kinescore::ges {

using namespace bridge;

namespace {

constexpr const char *help =
    "Puts soundtracks under the clips of projects of GStreamer Editing Services (.xges), and keeps them in line with\n"
    "the clips.\n"
    "\n"
    "Usage: kinescore-ges list    PROJECT\n"
    "       kinescore-ges add     PROJECT --clip N [--set KEY=VALUE]...\n"
    "       kinescore-ges refresh PROJECT\n"
    "       kinescore-ges remove  PROJECT [--clip N]\n"
    "       kinescore-ges watch   PROJECT\n"
    "\n"
    "  --clip N           The clip, by the number that `list` shows\n"
    "  --set KEY=VALUE    A setting (`kinescore settings` lists them), such as drums.style=funk\n"
    "  --library FILE     libkinescore [default: the one of this installation]\n"
    "  -h, --help         Print this\n"
    "\n"
    "Exit codes are those of `kinescore timeline`.\n";

int exit_code(Problem::Kind kind) {
    switch (kind) {
    case Problem::Kind::usage:
        return 2;
    case Problem::Kind::choice:
        return 2;
    case Problem::Kind::input:
        return 3;
    case Problem::Kind::music:
        return 4;
    case Problem::Kind::core:
        return 6;
    case Problem::Kind::output:
        return 7;
    case Problem::Kind::changed:
        return 10;
    case Problem::Kind::cancelled:
        return 130;
    }
    return 1;
}

[[noreturn]] void refuse(const std::string &sentence) {
    throw Problem(Problem::Kind::usage, sentence + "; see kinescore-ges --help");
}

struct Arguments {
    std::string command;
    std::string project;
    std::string library;
    std::optional<std::size_t> clip; ///< Counted from 1.
    Settings settings;
    bool help = false;
};

/// Whether a command takes an option.
bool takes(const std::string &command, const std::string &option) {
    if (option == "--clip") {
        return command == "add" || command == "remove";
    }
    if (option == "--set") {
        return command == "add";
    }
    return command != "list" && command != "remove"; // --library: these make no sound
}

Arguments parsed(const std::vector<std::string> &given) {
    Arguments arguments;
    for (std::size_t index = 0; index < given.size(); ++index) {
        const std::string &word = given[index];
        if (word == "-h" || word == "--help") {
            arguments.help = true;
            return arguments;
        }
        const bool is_option = word.size() > 1 && word.front() == '-';
        if (!is_option) {
            std::string &place = arguments.command.empty() ? arguments.command : arguments.project;
            if (!place.empty()) {
                refuse("'" + word + "' is one argument too many");
            }
            place = word;
            continue;
        }
        if (word == "--beats-as-markers") {
            refuse("'" + word + "' is not possible in projects of GStreamer Editing Services (.xges); it is in those of "
                   "Kdenlive, of Shotcut and MLT, and of OpenTimelineIO, with `kinescore timeline`");
        }
        if (word != "--clip" && word != "--set" && word != "--library") {
            refuse("'" + word + "' is not an option; expected --clip, --set and --library");
        }
        if (arguments.command.empty() || !takes(arguments.command, word)) {
            refuse("'" + word + "' cannot be given to '" + arguments.command + "'");
        }
        if (++index == given.size()) {
            refuse("'" + word + "' needs a value");
        }
        const std::string &value = given[index];
        if (word == "--clip") {
            const auto number = whole_number(value);
            if (!number || *number < 1) {
                refuse("--clip is '" + value + "'; expected a whole number from 1");
            }
            arguments.clip = static_cast<std::size_t>(*number);
        } else if (word == "--library") {
            arguments.library = value;
        } else {
            const std::size_t equals = value.find('=');
            if (equals == 0 || equals == std::string::npos) {
                refuse("--set is '" + value + "'; expected KEY=VALUE");
            }
            arguments.settings[value.substr(0, equals)] = value.substr(equals + 1);
        }
    }
    const std::vector<std::string> commands{"list", "add", "refresh", "remove", "watch"};
    if (std::find(commands.begin(), commands.end(), arguments.command) == commands.end()) {
        refuse("'" + arguments.command + "' is not a command; expected list, add, refresh, remove or watch");
    }
    if (arguments.project.empty()) {
        refuse("'" + arguments.command + "' needs a project");
    }
    if (arguments.command == "add" && !arguments.clip) {
        refuse("'add' needs --clip");
    }
    return arguments;
}

std::string seconds(Flicks time) {
    char text[48];
    std::snprintf(text, sizeof text, "%.3f s", static_cast<double>(time) / static_cast<double>(flicks_per_second));
    return text;
}

/// The id of the clip with a number, as `list` shows them.
std::string id_of(const std::vector<TimelineItem> &items, std::size_t number, const std::string &project) {
    if (number > items.size()) {
        throw Problem(Problem::Kind::usage, project + ": there is no clip " + std::to_string(number) + "; it has " +
                                                std::to_string(items.size()));
    }
    return items[number - 1].id;
}

void list(Timeline &timeline, std::ostream &out) {
    const std::vector<TimelineItem> items = timeline.items();
    const std::vector<Placed> ours = timeline.ours();
    std::vector<std::string> sounds(items.size());
    for (const auto &[own, item] : matches(ours, items)) {
        sounds[item] = ours[own].wav;
    }
    for (std::size_t index = 0; index < items.size(); ++index) {
        const TimelineItem &item = items[index];
        out << index + 1 << "  " << item.media_path << "  at " << seconds(item.timeline_start) << ", "
            << seconds(item.duration()) << " long";
        if (!item.unfit.empty()) {
            out << ": no soundtrack is possible, " << item.unfit;
        } else if (!sounds[index].empty()) {
            out << ": " << sounds[index];
        }
        out << '\n';
    }
}

const char *word_of(Result::What what) {
    switch (what) {
    case Result::What::unchanged:
        return "unchanged";
    case Result::What::moved:
        return "moved";
    case Result::What::made:
        return "made";
    case Result::What::marked:
        return "marked";
    case Result::What::removed:
        return "removed";
    case Result::What::failed:
        return "failed";
    }
    return "failed";
}

/// Prints what was done, and returns the exit code for it: that of the first failure.
int print(const std::vector<Result> &results, const Surroundings &surroundings) {
    int code = 0;
    for (const Result &result : results) {
        if (result.what == Result::What::failed) {
            surroundings.err << "kinescore-ges: " << result.sentence << std::endl;
            code = code == 0 ? exit_code(result.kind) : code;
            continue;
        }
        surroundings.out << word_of(result.what) << ": " << result.wav << std::endl;
        if (!result.sentence.empty()) {
            surroundings.err << "kinescore-ges: " << result.sentence << std::endl;
        }
    }
    return code;
}

/// Shows progress if wanted, and stops if the user requests it.
Progress progress(const Surroundings &surroundings) {
    return [&surroundings, shown = -1](double done) mutable {
        const int percent = static_cast<int>(done * 100.0);
        if (surroundings.progress && percent != shown) {
            shown = percent;
            surroundings.err << '\r' << percent << " %\r" << std::flush;
        }
        return !surroundings.stopped();
    };
}

struct Unref {
    void operator()(GMainLoop *loop) const noexcept { g_main_loop_unref(loop); }
};

/// A main loop that ends when the user has asked to stop.
class Loop {
public:
    explicit Loop(std::function<bool()> stopped) : stopped_(std::move(stopped)), loop_(g_main_loop_new(nullptr, FALSE)) {
        timer_ = g_timeout_add(50, [](gpointer self) -> gboolean {
            auto *loop = static_cast<Loop *>(self);
            if (loop->stopped_()) {
                g_main_loop_quit(loop->loop_.get());
            }
            return G_SOURCE_CONTINUE;
        }, this);
    }
    ~Loop() { g_source_remove(timer_); }
    Loop(const Loop &) = delete;
    Loop &operator=(const Loop &) = delete;

    void run() { g_main_loop_run(loop_.get()); }

    /// Has a function called in the loop, from any thread.
    static void post(std::function<void()> function) {
        auto *kept = new std::function<void()>(std::move(function));
        g_idle_add_full(G_PRIORITY_DEFAULT, [](gpointer data) -> gboolean {
            (*static_cast<std::function<void()> *>(data))();
            return G_SOURCE_REMOVE;
        }, kept, [](gpointer data) { delete static_cast<std::function<void()> *>(data); });
    }

private:
    std::function<bool()> stopped_;
    std::unique_ptr<GMainLoop, Unref> loop_;
    guint timer_ = 0;
};

void watch(WatchedProject &project, Maker &maker, const Surroundings &surroundings) {
    Loop loop(surroundings.stopped);
    const auto notified = [&](const std::vector<Result> &results) {
        std::vector<Result> news;
        std::copy_if(results.begin(), results.end(), std::back_inserter(news),
                     [](const Result &result) { return result.what != Result::What::unchanged; });
        print(news, surroundings);
    };
    Follower follower(project, maker, Loop::post, notified, std::chrono::milliseconds(surroundings.rest));
    follower.changed(); // for edits made before
    loop.run();
}

int run_checked(const Arguments &arguments, const Surroundings &surroundings) {
    const std::string &command = arguments.command;
    WatchedProject project(arguments.project);
    if (command == "list") {
        list(project, surroundings.out);
        return 0;
    }
    const std::unique_ptr<Maker> maker = command == "remove" ? nullptr : surroundings.maker(arguments.library);
    if (command == "watch") {
        watch(project, *maker, surroundings);
        return 0;
    }
    project.check_writable();
    // Removing makes no sound.
    class Silent : public Maker {
        std::string key(const SoundOrder &) override { return ""; }
        void make(const SoundOrder &, const std::string &, const Progress &) override {}
    } silent;
    Reconciler reconciler(project, maker ? *maker : silent);
    const std::optional<std::string> id =
        arguments.clip ? std::optional(id_of(project.items(), *arguments.clip, arguments.project)) : std::nullopt;
    if (command == "add") {
        return print({reconciler.add(*id, arguments.settings, progress(surroundings))}, surroundings);
    }
    return print(command == "remove" ? reconciler.remove(id) : reconciler.refresh(progress(surroundings)),
                 surroundings);
}

} // namespace

int run(const std::vector<std::string> &arguments, const Surroundings &surroundings) {
    try {
        const Arguments given = parsed(arguments);
        if (given.help) {
            surroundings.out << help;
            return 0;
        }
        return run_checked(given, surroundings);
    } catch (const Problem &problem) {
        surroundings.err << "kinescore-ges: " << problem.what() << std::endl;
        return exit_code(problem.kind());
    } catch (const std::exception &error) {
        surroundings.err << "kinescore-ges: " << error.what() << std::endl;
        return 1;
    }
}

} // namespace kinescore::ges
