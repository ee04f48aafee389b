/*
 * Projects of GStreamer Editing Services as files, and owners of GLib objects.
 */
#ifndef KINESCORE_BRIDGE_GES_FILE_HPP
#define KINESCORE_BRIDGE_GES_FILE_HPP

#include <ges/ges.h>
#include <memory>
#include <string>
#include <vector>

namespace kinescore::bridge {

struct Unref {
    void operator()(gpointer object) const noexcept { g_object_unref(object); }
};
template <typename Object> using Ref = std::unique_ptr<Object, Unref>;

template <typename Object> Ref<Object> ref(Object *object) {
    return Ref<Object>(static_cast<Object *>(g_object_ref(object)));
}

struct Free {
    void operator()(gchar *text) const noexcept { g_free(text); }
};
using Text = std::unique_ptr<gchar, Free>;

/// The error of a call, if it has one.
class GErrorOwner {
public:
    GErrorOwner() = default;
    GErrorOwner(const GErrorOwner &) = delete;
    GErrorOwner &operator=(const GErrorOwner &) = delete;
    ~GErrorOwner() { g_clear_error(&error_); }

    GError **out() { return &error_; }
    std::string sentence() const { return error_ == nullptr ? "no reason was given" : error_->message; }

private:
    GError *error_ = nullptr;
};

/// Elements of a list that was transferred with its references.
template <typename Object> std::vector<Ref<Object>> taken(GList *list) {
    std::vector<Ref<Object>> objects;
    for (const GList *at = list; at != nullptr; at = at->next) {
        objects.emplace_back(static_cast<Object *>(at->data));
    }
    g_list_free(list);
    return objects;
}

std::string uri_of(const std::string &path);

/// The path of a file URI; "" for any other URI.
std::string path_of_uri(const gchar *uri);

/// The timeline of a project file. Throws Problem (input); `path` is for its sentence.
Ref<GESTimeline> loaded(const std::string &path);

/// A timeline as text in GES' format, which GES writes only to files. Throws Problem (output);
/// `path` is for its sentence.
std::string written_text(GESTimeline *timeline, const std::string &path);

} // namespace kinescore::bridge

#endif
