/*
 * An instance of the plugin on a clip.
 */
#ifndef KINESCORE_OFX_EFFECT_HPP
#define KINESCORE_OFX_EFFECT_HPP

#include "parameters.hpp"
#include "picture.hpp"
#include "soundtrack.hpp"
#include "studio.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace kinescore::ofx {

class Effect {
public:
    Effect(Studio &studio, OfxImageEffectHandle handle);
    ~Effect();
    Effect(const Effect &) = delete;
    Effect &operator=(const Effect &) = delete;

    /// The host destroys the instance, perhaps during the progress bar of an action that continues:
    /// the instance is given up, and no longer uses the host's handles.
    void leave() { gone_ = true; }

    /// Reports a change of the instance: of the parameter with that name, or of the clip ("").
    void changed(const std::string &parameter);

    /// Ends a group of changes: the soundtrack follows them if the user wants that.
    void end_changes();

    /// The host is about to save: results made in a render are copied into the parameters.
    void sync();

    /// Frames will be rendered, in a host that may not have reported edits.
    void begin_render();

    /// The picture is passed through.
    OfxStatus identity(Properties in, Properties out) const;
    OfxStatus render(Properties in) const;

private:
    /// The occasion for making a soundtrack: a user who sees a progress bar, or a render, in which
    /// the host may abort.
    enum class Occasion { user, render };

    /// The source of the current state. Throws Problem if it is not known.
    Source source() const;

    /// The same as text; "" if it is not known, and making a soundtrack would report why.
    std::string source_text() const;
    std::optional<FrameRange> range() const;
    std::string folder(const Source &source) const;
    std::string choose(const Source &source) const;

    /// The soundtrack that was made last; none if there was none.
    std::optional<Soundtrack> soundtrack() const;

    void update();
    void show_file();

    /// Makes the soundtrack. Any failure is shown to the user.
    void make(Occasion occasion);
    Soundtrack made_of(const Source &source, const std::string &wav, Occasion occasion);

    /// These write the files and return the key.
    std::string make_of_media(const Source &source, const std::string &wav, Occasion occasion);
    std::string make_of_frames(const Source &source, const std::string &wav);

    bool go_on_in_render() const;

    /// Records the soundtrack, or with `failure` why there is none.
    void keep(const Soundtrack &made);
    void fail(const std::string &source, const std::string &failure);

    /// Shows result and status to the user and stores them in the project. Never in a render.
    void publish();
    std::string status() const;
    void show_message(const char *type, const std::string &sentence) const;

    Studio &studio_;
    OfxImageEffectHandle handle_;
    Parameters parameters_;
    OfxImageClipHandle clip_ = nullptr;
    OfxImageClipHandle output_ = nullptr;
    bool edited_ = false; ///< In the current group of changes.
    std::atomic<bool> gone_{false};

    // Used by rendering threads as well:
    mutable std::mutex mutex_;
    std::optional<Soundtrack> unsaved_; ///< Made in a render, and not in the parameters yet.
    std::string failed_source_;         ///< A source that no soundtrack could be made of,
    std::string failure_;               ///< and why.
};

} // namespace kinescore::ofx

#endif
