/*
 * libkinescore as a maker of soundtracks, opened when the first one is wanted: an editor loads
 * every plugin at its start.
 */
#ifndef KINESCORE_BRIDGE_CORE_HPP
#define KINESCORE_BRIDGE_CORE_HPP

#include "../../include/kinescore.h"
#include "maker.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kinescore::bridge {

/// Where the core and what it needs are. Empty texts but the first stand for the core's defaults.
struct CorePlaces {
    std::string library; ///< Absolute path of libkinescore.
    std::string models;
    std::string onnxruntime;
    std::string soundfont;
    std::string cache;
};

/// What a soundtrack is written to: formats by the core's names ("wav", "mid", "json") with the
/// files' paths, in the order of writing.
using Files = std::vector<std::pair<std::string, std::string>>;

/// A clip whose frames the editor gives, one after the other, because it does not name a file. It
/// must not outlive its Core.
class PushedClip {
public:
    virtual ~PushedClip() = default;

    /// Takes the next frame: its pixels are copied. Throws Problem (music) for one that does not
    /// fit.
    virtual void push(const kinescore_frame &frame) = 0;

    /// Makes the soundtrack when all frames are there.
    virtual void finish(const Files &files, const Progress &progress) = 0;
};

/// Soundtracks by libkinescore, which is opened by its absolute path at the first use. Where it is
/// missing, is another library, or has another interface than the one that this was built for,
/// every call throws Problem (core) with a sentence for the user; it is tried again each time, so
/// that mending it helps without a restart.
class Core : public Maker {
public:
    explicit Core(CorePlaces places);
    ~Core() override;

    std::string key(const SoundOrder &order) override;
    void make(const SoundOrder &order, const std::string &wav, const Progress &progress) override;

    /// As `make`, with the formats asked for.
    void make_files(const SoundOrder &order, const Files &files, const Progress &progress);

    /// Begins a clip of frames.
    std::unique_ptr<PushedClip> begin_frames(const kinescore_frames_info &info, const Settings &settings);

private:
    struct Opened;
    struct Frames;
    Opened &opened();

    CorePlaces places_;
    std::unique_ptr<Opened> opened_;
};

} // namespace kinescore::bridge

#endif
