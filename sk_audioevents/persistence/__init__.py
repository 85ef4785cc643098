"""Models that travel: saved as weights and settings, never as code."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "_hub": ["from_pretrained", "push_to_hub"],
        "_info": ["read_model_info"],
        "_load": ["load_model"],
        "_save": ["save_model"],
    },
)
