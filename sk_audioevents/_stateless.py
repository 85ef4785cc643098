"""What transformers share that learn nothing: `transform` works without `fit`."""

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.callback import CallbackSupportMixin

from sk_audioevents._base import fit_context


class StatelessTransformer(
    CallbackSupportMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Base of transformers whose ``fit`` checks the parameters and the form of X, and no more.

    A subclass implements ``_check_clips(X, reset)``, which raises for a bad X, and ``transform``.
    Its outputs are no tables, so scikit-learn's ``set_output`` is switched off.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags

    def __sklearn_is_fitted__(self):
        return True

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the form of X; nothing is learnt.

        Parameters
        ----------
        X : list, array, Series or DataFrame
            The clips, as for ``transform``.
        y : Ignored
            Not used, present for API consistency by convention.

        Returns
        -------
        self : object
            The transformer.
        """
        # Taking part in callbacks lets those of a pipeline reach the steps that train.
        context = self._init_callback_context()
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)
        self._check_clips(X, reset=True)
        context.call_on_fit_task_end(estimator=self, X=X, y=y, reconstruction_attributes=dict)
        return self
