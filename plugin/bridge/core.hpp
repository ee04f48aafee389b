/*
 * Uses libkinescore to make soundtracks. The library is opened when the first one is wanted, since
 * an editor loads every plugin when it starts.
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

/// Where the core and its resources are. Empty texts, except for the first, mean the core's
/// defaults.
struct CorePlaces {
    std::string library; ///< Absolute path of libkinescore.
    std::string models;
    std::string onnxruntime;
    std::string soundfont;
    std::string cache;
};

/// The files of a soundtrack: formats by the core's names ("wav", "mid", "json") with their paths,
/// in the order of writing.
using Files = std::vector<std::pair<std::string, std::string>>;

/// A clip whose frames the editor provides one by one, because it does not name a file. It must not
/// outlive its Core.
class PushedClip {
public:
    virtual ~PushedClip() = default;

    /// Takes the next frame and copies its pixels. Throws Problem (music) for a frame that does not
    /// fit.
    virtual void push(const kinescore_frame &frame) = 0;

    /// Makes the soundtrack once all frames have been pushed.
    virtual void finish(const Files &files, const Progress &progress) = 0;
};

/// Makes soundtracks with libkinescore, which is opened by its absolute path at the first use. If
/// it is missing, is another library, or has a different interface from the one that this was built
/// for, every call throws Problem (core) with a sentence for the user. Each call tries again, so
/// that a repair works without a restart.
class Core : public Maker {
public:
    explicit Core(CorePlaces places);
    ~Core() override;

    std::string key(const SoundOrder &order) override;
    void make(const SoundOrder &order, const std::string &wav, const Progress &progress) override;

    /// Like `make`, with the requested formats.
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
