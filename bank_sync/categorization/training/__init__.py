"""Makes the model that is shipped: training rows out of the shipped lists, and weights out of the rows.

Belongs here: imitating descriptors, fitting, calibrating. Does not belong here: using the model. Loads
scikit-learn, and so is imported by nothing that only categorizes.
"""
