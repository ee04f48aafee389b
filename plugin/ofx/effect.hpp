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

    /// The host destroys the instance, perhaps out of the progress bar of an action that goes on:
    /// it is given up, and the host's handles are not touched any more.
    void leave() { gone_ = true; }

    /// Something of the instance was changed: a parameter of that name, or the clip ("").
    void changed(const std::string &parameter);

    /// A group of changes is over: the soundtrack follows them where the user wants that.
    void end_changes();

    /// The host is about to save: what was made in a render goes into the parameters.
    void sync();

    /// Frames will be rendered, in a host that may not have reported edits.
    void begin_render();

    /// The picture is handed through.
    OfxStatus identity(Properties in, Properties out) const;
    OfxStatus render(Properties in) const;

private:
    /// How a soundtrack is made: by a user who sees a progress bar, or in a render, where the host
    /// may abort.
    enum class Occasion { user, render };

    /// Made of what there is now. Throws Problem where that is not known.
    Source source() const;

    /// The same as text; "" where it is not known, and making a soundtrack would report why.
    std::string source_text() const;
    std::optional<FrameRange> range() const;
    std::string folder(const Source &source) const;
    std::string choose(const Source &source) const;

    /// What was made last; none where nothing was.
    std::optional<Soundtrack> soundtrack() const;

    void update();
    void show_file();

    /// Makes the soundtrack. Whatever goes wrong is shown to the user.
    void make(Occasion occasion);
    Soundtrack made_of(const Source &source, const std::string &wav, Occasion occasion);

    /// They write the files and return the key.
    std::string make_of_media(const Source &source, const std::string &wav, Occasion occasion);
    std::string make_of_frames(const Source &source, const std::string &wav);

    bool go_on_in_render() const;

    /// Keeps what was made, and with `failure` why there is nothing.
    void keep(const Soundtrack &made);
    void fail(const std::string &source, const std::string &failure);

    /// Puts result and status where the user and the project see them. Never in a render.
    void publish();
    std::string status() const;
    void show_message(const char *type, const std::string &sentence) const;

    Studio &studio_;
    OfxImageEffectHandle handle_;
    Parameters parameters_;
    OfxImageClipHandle clip_ = nullptr;
    OfxImageClipHandle output_ = nullptr;
    bool edited_ = false; ///< In the group of changes that is going on.
    std::atomic<bool> gone_{false};

    // Used by rendering threads as well:
    mutable std::mutex mutex_;
    std::optional<Soundtrack> unsaved_; ///< Made in a render, and not in the parameters yet.
    std::string failed_source_;         ///< What could not be made a soundtrack of,
    std::string failure_;               ///< and why.
};

} // namespace kinescore::ofx

#endif
