"""Menu entries, panels, operators and preferences."""

import os
import textwrap

import bpy

from . import follow, properties, soundtracks, strips, table
from .core import Problem

_LINE = 44  # characters of a sentence that fit in


class KINESCORE_OT_generate(bpy.types.Operator):
    """Write a soundtrack for the movement in the selected movie strips, and let it follow them"""

    bl_idname = "kinescore.generate"
    bl_label = "Generate soundtrack"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return bool(_chosen(context))

    def execute(self, context):
        """For scripts: returns when everything is done."""
        if self._order(context):
            soundtracks.wait()
            soundtracks.collect()
        return self._end()

    def invoke(self, context, _event):
        if not self._order(context):
            return self._end()
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.1, window=context.window)
        manager.modal_handler_add(self)
        follow.start_timer()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type == "ESC" and event.value == "PRESS":
            soundtracks.cancel_all()
        elif event.type == "TIMER":
            follow.collect()
        if any(name in soundtracks.state.tasks for name in self._names):
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return self._end()

    def cancel(self, context):
        # Another project is being opened.
        context.window_manager.event_timer_remove(self._timer)

    def _order(self, context):
        scene = strips.scene_of(context)
        self._names, self._sentences = [], []
        for movie in _chosen(context):
            try:
                self._names.append(soundtracks.generate(scene, movie))
            except Problem as problem:
                self._sentences.append(str(problem))
        return self._names

    def _end(self):
        """Reports failures."""
        failed = [soundtracks.state.failed[name][1] for name in self._names if name in soundtracks.state.failed]
        sentences = self._sentences + [sentence for sentence in failed if sentence != soundtracks.CANCELLED]
        if sentences:
            self.report({"ERROR"}, "\n".join(sentences))
        elif failed:
            self.report({"INFO"}, "Generate soundtrack: cancelled")
        return {"CANCELLED"} if len(failed) == len(self._names) else {"FINISHED"}


class KINESCORE_OT_remove(bpy.types.Operator):
    """Remove the soundtracks of the selected movie strips from the timeline. The files stay"""

    bl_idname = "kinescore.remove"
    bl_label = "Remove soundtrack"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        scene = strips.scene_of(context)
        return any(soundtracks.has_soundtrack(scene, movie) for movie in _chosen(context))

    def execute(self, context):
        scene = strips.scene_of(context)
        for movie in _chosen(context):
            soundtracks.remove(scene, movie)
        return {"FINISHED"}


class KINESCORE_OT_cancel(bpy.types.Operator):
    """Stop making soundtracks"""

    bl_idname = "kinescore.cancel"
    bl_label = "Cancel"

    @classmethod
    def poll(cls, _context):
        return bool(soundtracks.state.tasks)

    def execute(self, _context):
        soundtracks.cancel_all()
        return {"FINISHED"}


class KINESCORE_OT_refresh(bpy.types.Operator):
    """Bring all soundtracks of the project in line with their strips, even where edits are not
    followed"""

    bl_idname = "kinescore.refresh"
    bl_label = "Refresh all soundtracks"
    bl_options = {"UNDO"}

    def execute(self, _context):
        """For scripts: returns when everything is done."""
        sentences = follow.finish(forced=True)
        if sentences:
            self.report({"ERROR"}, "\n".join(sentences))
        return {"FINISHED"}

    def invoke(self, _context, _event):
        soundtracks.bring_all_up_to_date(forced=True)
        follow.start_timer()
        return {"FINISHED"}


class _Panel:
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Kinescore"

    @classmethod
    def poll(cls, context):
        return _movie(context) is not None


class KINESCORE_PT_soundtrack(_Panel, bpy.types.Panel):
    bl_idname = "KINESCORE_PT_soundtrack"
    bl_label = "Soundtrack"

    def draw(self, context):
        layout = self.layout
        scene, movie = strips.scene_of(context), _movie(context)
        sound = soundtracks.sound_of(scene, movie)
        _draw_lines(layout, soundtracks.status_of(movie))
        _draw_found(layout, sound)
        done = soundtracks.progress()
        if done is not None:
            _draw_progress(layout, context.window_manager, done)
            layout.operator(KINESCORE_OT_cancel.bl_idname, icon="X")
        else:
            label = "Generate" if sound is None else "Update"
            layout.operator(KINESCORE_OT_generate.bl_idname, text=label, icon="SOUND")
            layout.operator(KINESCORE_OT_remove.bl_idname, text="Remove", icon="TRASH")
        layout.prop(properties.of_scene(scene), "follow")
        if sound is not None:
            layout.prop(properties.of_strip(movie), "markers")
        if properties.missing:
            _draw_lines(layout, properties.missing)


def _settings_panel(group):
    """The panel of settings that belong together."""

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        scene, movie = strips.scene_of(context), _movie(context)
        owner = movie if soundtracks.has_soundtrack(scene, movie) else scene
        for setting in properties.settings:
            if setting.group == group:
                _draw_setting(layout, getattr(owner, properties.GROUP), setting)

    content = {
        "bl_idname": f"KINESCORE_PT_{group or 'general'}",
        "bl_label": group.capitalize() or "General",
        "bl_parent_id": KINESCORE_PT_soundtrack.bl_idname,
        "bl_options": set() if group == "music" else {"DEFAULT_CLOSED"},
        "draw": draw,
    }
    return type(content["bl_idname"], (_Panel, bpy.types.Panel), content)


class KinescorePreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder for soundtracks of projects that have not been saved yet; empty: beside the media",
        subtype="DIR_PATH",
    )

    library: bpy.props.StringProperty(
        name="Kinescore",
        description="Folder into which Kinescore was unpacked, or its libkinescore.so; empty: where it is installed",
        subtype="FILE_PATH",
    )

    def draw(self, _context):
        self.layout.prop(self, "library", text="Kinescore is in")
        # Above its field: beside it, Blender cuts this text off.
        self.layout.label(text="Folder for the soundtracks of projects that have not been saved yet:")
        self.layout.prop(self, "folder", text="")


def _chosen(context):
    scene = strips.scene_of(context)
    movies = strips.movies_chosen(scene)
    meant = _movie(context)
    return movies if meant is None or meant in movies else [meant, *movies]


def _movie(context):
    scene = strips.scene_of(context)
    return soundtracks.chosen_movie(scene) if scene is not None else None


def _draw_menu(self, context):
    movie = _movie(context)
    if movie is None:
        return
    layout = self.layout
    layout.separator()
    # A menu would run an operator without its dialogue.
    layout.operator_context = "INVOKE_DEFAULT"
    if soundtracks.has_soundtrack(strips.scene_of(context), movie):
        layout.operator(KINESCORE_OT_generate.bl_idname, text="Update soundtrack", icon="SOUND")
        layout.operator(KINESCORE_OT_remove.bl_idname, icon="TRASH")
    else:
        layout.operator(KINESCORE_OT_generate.bl_idname, icon="SOUND")


def _draw_lines(layout, sentence):
    column = layout.column(align=True)
    for line in textwrap.wrap(sentence, _LINE):
        column.label(text=line)


def _draw_found(layout, sound):
    record = soundtracks.record_of(sound) if sound is not None else None
    if record is not None and "tempo" in record:
        music_key = f", {record['music_key']}" if record["music_key"] else ""
        layout.label(text=f"{record['tempo']:.0f} beats a minute{music_key}")
        layout.label(text=os.path.basename(strips.sound_file(sound)))


def _draw_progress(layout, manager, done):
    if hasattr(layout, "progress"):
        layout.progress(factor=done, text=f"{done:.0%}")
        return
    # Releases before 4.0 do not have this bar.
    row = layout.row()
    row.enabled = False
    row.prop(manager, "kinescore_progress", slider=True)


def _draw_setting(layout, group, setting):
    if setting.flags:
        row = layout.row(heading=setting.label)
        # The usual one is on the left.
        for flag, word in reversed(setting.flags.items()):
            row.prop(group, flag, text="Automatic" if word == table.AUTO else word.capitalize())
        number = row.row()
        number.active = not any(getattr(group, flag) for flag in setting.flags)
        number.prop(group, setting.name, text="")
    elif setting.kind == "list":
        layout.column().prop(group, setting.name)
    else:
        layout.prop(group, setting.name)


_classes = []


def register():
    bpy.types.WindowManager.kinescore_progress = bpy.props.FloatProperty(
        name="Done", subtype="FACTOR", min=0, max=1, get=lambda _manager: soundtracks.progress() or 0.0
    )
    _classes.extend(
        [
            KinescorePreferences,
            KINESCORE_OT_generate,
            KINESCORE_OT_remove,
            KINESCORE_OT_cancel,
            KINESCORE_OT_refresh,
            KINESCORE_PT_soundtrack,
        ]
    )
    groups = dict.fromkeys(setting.group for setting in properties.settings)
    _classes.extend(_settings_panel(group) for group in groups)
    for each in _classes:
        bpy.utils.register_class(each)
    bpy.types.SEQUENCER_MT_context_menu.append(_draw_menu)


def unregister():
    bpy.types.SEQUENCER_MT_context_menu.remove(_draw_menu)
    while _classes:
        bpy.utils.unregister_class(_classes.pop())
    del bpy.types.WindowManager.kinescore_progress
