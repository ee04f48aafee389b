"""The properties of the settings, with a stand-in for Blender's: every word of the table can be chosen."""

import importlib
import os
import sys
import types
import unittest

from pure import table

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "settings.json")


def properties():
    """The module, with properties that are their own definition."""
    blender, props = types.ModuleType("bpy"), types.ModuleType("bpy.props")
    for kind in ("Bool", "Enum", "Float", "Int", "Pointer", "String"):
        setattr(props, kind + "Property", lambda **definition: definition)
    blender.props, blender.app = props, types.SimpleNamespace(version=(4, 2, 0))
    sys.modules.setdefault("bpy", blender)
    sys.modules.setdefault("bpy.props", props)
    return importlib.import_module("kinescore.properties")


class Properties(unittest.TestCase):
    def setUp(self):
        self.module = properties()
        self.module.settings[:] = table.read(TABLE)
        self.fields = {name: field for setting in self.module.settings for name, field in self.module._properties(setting)}
        self.addCleanup(self.module.settings.clear)

    def values(self, **chosen):
        """The settings that the library gets from a panel with these values, the others at their defaults."""
        defaults = {name: field["default"] for name, field in self.fields.items()}
        self.assertLessEqual(set(chosen), set(defaults))
        return dict(self.module.values(types.SimpleNamespace(**{**defaults, **chosen})))

    def test_defaults_are_those_of_the_table(self):
        values = self.values()
        for setting in self.module.settings:
            given, default = values[setting.key], setting.default
            if setting.kind == "number" and default != table.AUTO:
                given, default = float(given), float(default)
            self.assertEqual(given, default, setting.key)

    def test_every_word_can_be_chosen(self):
        for setting in self.module.settings:
            for word in setting.words:
                if setting.kind == "list":
                    chosen = {setting.name: {word}}
                elif setting.kind == "choice":
                    chosen = {setting.name: word}
                else:
                    chosen = {f"{setting.name}_{word}": True}
                self.assertEqual(self.values(**chosen)[setting.key], word, setting.key)

    def test_a_number_counts_when_no_word_is_chosen(self):
        self.assertIn("pose_person_all", self.fields)
        self.assertEqual(self.values(pose_person=3)["pose.person"], "auto")
        self.assertEqual(self.values(auto_pose_person=False, pose_person=3)["pose.person"], "3")
        self.assertEqual(self.values(auto_pose_person=False, pose_person=3, pose_person_all=True)["pose.person"], "all")


if __name__ == "__main__":
    unittest.main()
