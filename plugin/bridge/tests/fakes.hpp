/// A timeline and a maker that have only what the reconciler uses.
#ifndef KINESCORE_BRIDGE_TESTS_FAKES_HPP
#define KINESCORE_BRIDGE_TESTS_FAKES_HPP

#include "../maker.hpp"
#include "../ratio.hpp"
#include "../timeline.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fakes {

using namespace kinescore::bridge;

/// Seconds of processor time that this process needs for the work: the least of three runs, so that
/// other load on the machine matters little. Compare it with other work in the same test; alone, it
/// only measures the machine.
inline double processor_time(const std::function<void()> &work) {
    double least = std::numeric_limits<double>::max();
    for (int run = 0; run < 3; ++run) {
        const std::clock_t begin = std::clock();
        work();
        least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    return least;
}

/// A folder that is removed with the test.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "kinescore-bridge-XXXXXX").string();
        path_ = ::mkdtemp(&name[0]);
    }
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    std::string path() const { return path_; }
    std::vector<std::string> files() const {
        std::vector<std::string> names;
        for (const auto &entry : std::filesystem::directory_iterator(path_)) {
            names.push_back(entry.path().filename().string());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    std::string path_;
};

inline std::string content(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline Flicks seconds(double value) { return static_cast<Flicks>(value * flicks_per_second); }

inline TimelineItem clip(const std::string &id, const std::string &media, double in, double out, double start) {
    TimelineItem item;
    item.id = id;
    item.name = id;
    item.media_path = media;
    item.source_in = seconds(in);
    item.source_out = seconds(out);
    item.timeline_start = seconds(start);
    item.rate = {25, 1};
    return item;
}

struct FakeTimeline : Timeline {
    explicit FakeTimeline(std::string folder) : folder(std::move(folder)) {}

    std::vector<TimelineItem> items() override {
        if (fault) {
            throw std::runtime_error("something that is not a Problem");
        }
        return clips;
    }
    std::vector<Marker> markers() override { return marks; }
    std::string why_no_markers() const override { return has_markers ? "" : Timeline::why_no_markers(); }
    void change_markers(const std::vector<Marker> &removed, const std::vector<Marker> &added) override {
        for (const Marker &marker : removed) {
            const auto found = std::find_if(marks.begin(), marks.end(), [&](const Marker &other) {
                return other.time == marker.time && other.name == marker.name;
            });
            if (found == marks.end()) {
                throw std::logic_error("there is no marker " + marker.name);
            }
            marks.erase(found);
        }
        for (const Marker &marker : added) {
            marks.push_back({marker.time, marker.name});
        }
    }
    std::vector<Placed> ours() override { return sounds; }
    void place(const Placed &placed) override {
        ++places;
        for (Placed &sound : sounds) {
            if (sound.id == placed.id) {
                sound = placed;
                return;
            }
        }
        sounds.push_back(placed);
        sounds.back().id = "s" + std::to_string(++last_id);
    }
    void remove(const std::string &id) override {
        sounds.erase(std::remove_if(sounds.begin(), sounds.end(), [&](const Placed &s) { return s.id == id; }),
                     sounds.end());
    }
    void on_change(std::function<void()> callback) override { notified = std::move(callback); }
    void save() override { ++saves; }
    std::string sound_folder() const override { return folder; }

    std::string folder;
    std::vector<TimelineItem> clips;
    std::vector<Marker> marks;
    std::vector<Placed> sounds;
    std::function<void()> notified;
    bool fault = false, has_markers = true;
    int places = 0, saves = 0, last_id = 0;
};

inline std::string little_endian(std::size_t value) {
    std::string bytes;
    for (int byte = 0; byte < 4; ++byte) {
        bytes += static_cast<char>(value >> (8 * byte) & 0xFF);
    }
    return bytes;
}

/// A WAV file with a text in place of samples.
inline void write_wav(const std::string &path, const std::string &text) {
    const std::string format = "fmt " + little_endian(16) + std::string("\1\0\1\0\x80\xBB\0\0\x80\xBB\0\0\1\0\x08\0", 16);
    std::string data = "data" + little_endian(text.size()) + text;
    data += text.size() % 2 == 0 ? "" : std::string(1, '\0');
    std::ofstream(path, std::ios::binary) << "RIFF" + little_endian(4 + format.size() + data.size()) + "WAVE" + format + data;
}

/// The text of such a file.
inline std::string samples(const std::string &path) {
    const std::string bytes = content(path);
    const std::size_t data = bytes.find("data");
    return data == std::string::npos ? "" : bytes.substr(data + 8, static_cast<unsigned char>(bytes[data + 4]) + 256u * static_cast<unsigned char>(bytes[data + 5]));
}

/// Sets a file's time of change to that many minutes ago.
inline void age(const std::string &path, int minutes) {
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::minutes(minutes));
}

/// Writes the order itself in place of sound.
struct FakeMaker : Maker {
    std::string key(const SoundOrder &order) override {
        std::string key = order.media + " " + std::to_string(order.source_in) + " " + std::to_string(order.source_out) +
                          " " + std::to_string(order.speed.numerator) + "/" + std::to_string(order.speed.denominator);
        for (const auto &[name, value] : order.settings) {
            key += " " + name + "=" + value;
        }
        return key + order.marks;
    }
    void make(const SoundOrder &order, const std::string &wav, const Progress &progress) override {
        ++begun;
        if (order.media.find("nobody") != std::string::npos) {
            throw Problem(Problem::Kind::music, order.media + ": no person is seen");
        }
        if (order.media.find("fault") != std::string::npos) {
            throw std::runtime_error("something that is not a Problem");
        }
        std::ofstream(wav) << "half";
        for (int step = 0; step < steps; ++step) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            if (progress && !progress(step / static_cast<double>(steps))) {
                throw Problem(Problem::Kind::cancelled, "cancelled");
            }
        }
        if (meanwhile) {
            meanwhile();
        }
        write_wav(wav, key(order));
        ++made;
    }

    /// One every half second of the media, in bars of four; fixed ones are where they are fixed.
    std::vector<Beat> beats(const SoundOrder &order, const Progress &) override {
        ++asked;
        orders.push_back(order.marks);
        std::vector<Flicks> times;
        for (Flicks time = 0; time < order.source_out; time += flicks_per_second / 2) {
            times.push_back(time);
        }
        const auto marks = order.marks.empty() ? nlohmann::json::object() : nlohmann::json::parse(order.marks);
        for (const auto &fixed : marks.value("beats", nlohmann::json::array())) {
            const Flicks time = seconds(fixed["time"].get<double>());
            *std::min_element(times.begin(), times.end(), [&](Flicks a, Flicks b) {
                return std::abs(a - time) < std::abs(b - time);
            }) = time;
        }
        std::vector<Beat> beats;
        for (std::size_t index = 0; index < times.size(); ++index) {
            if (times[index] >= order.source_in && times[index] < order.source_out) {
                beats.push_back({on_timeline(times[index] - order.source_in, order.speed),
                                 static_cast<std::int64_t>(index % 4) + 1});
            }
        }
        return beats;
    }

    int steps = 0;
    std::function<void()> meanwhile; ///< Runs while sound is made.
    std::atomic<int> begun{0}, made{0};
    int asked = 0;                   ///< How often beats were asked for.
    std::vector<std::string> orders; ///< The marks for which they were.
};

} // namespace fakes

#endif
